/**
 * Handles in params and results: they go along beside the frame, which says where each of them stands.
 */
import { notSupported } from '../errors.js'
import { Handle } from '../handle.js'
import { placeOf, viewOf } from './views.js'

/** @typedef {Array<string | number>} Path */
/** Where a view of shared memory stands, and what it is a view of. @typedef {{ path: Path, type: string, offset: number, length: number }} ViewPlace */

/** How deep values are looked into for handles. */
const DEEPEST = 16

/**
 * A value without the handles that stand in its objects and arrays, and those. The value itself stays as it is.
 * @param {unknown} value
 * @param {Handle[]} handles
 * @param {unknown[]} paths
 * @param {boolean} views whether large views of shared memory go as that memory, without a copy
 * @returns {unknown}
 */
export function extract(value, handles, paths, views) {
  if (value === null || typeof value !== 'object') return value
  return without(value, [], handles, paths, views)
}

/**
 * Where none can go along: what would be written down in its place is of no use to anybody.
 * @param {Handle[]} handles
 */
export function refuseHandles(handles) {
  if (handles.length > 0) throw notSupported('Handles go along on channels, with single calls that do not block')
}

/** @param {unknown} value */
export function refuseHandlesIn(value) {
  /** @type {Handle[]} */
  const handles = []
  extract(value, handles, [], false)
  refuseHandles(handles)
}

/**
 * @param {any} value
 * @param {Path} path
 * @param {Handle[]} handles
 * @param {unknown[]} paths
 * @param {boolean} views
 * @returns {any}
 */
function without(value, path, handles, paths, views) {
  if (value instanceof Handle) {
    handles.push(value)
    paths.push(path)
    return null
  }
  if (ArrayBuffer.isView(value)) {
    const place = views ? placeOf(value, path) : undefined
    if (place === undefined) return value
    handles.push(place.memory)
    paths.push(place.place)
    return null
  }
  const isArray = Array.isArray(value)
  if (path.length === DEEPEST || !(isArray || isPlain(value))) return value
  let copy = value
  for (const key of isArray ? value.keys() : Object.keys(value)) {
    const member = value[key]
    if (member === null || typeof member !== 'object') continue
    const rest = without(member, [...path, key], handles, paths, views)
    if (rest === member) continue
    if (copy === value) copy = isArray ? [...value] : { ...value }
    put(copy, key, rest)
  }
  return copy
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Puts the handles back where they stood; those that stood nowhere are given. What the other side says of places is followed
 * through its own values alone.
 * @param {any} root what is put into a property `value` of its own
 * @param {Handle[]} handles
 * @param {unknown} places
 * @returns {Handle[]}
 */
export function insert(root, handles, places) {
  const known = Array.isArray(places) ? places : []
  return handles.filter((handle, index) => {
    const place = known[index]
    if (place === null || typeof place !== 'object' || Array.isArray(place)) return !putAt(root, place, handle)
    return !putAt(root, place.path, viewOf(handle, place))
  })
}

/** @param {{ value: unknown }} root @param {unknown} path @param {unknown} handle */
function putAt(root, path, handle) {
  if (!Array.isArray(path) || path.length > DEEPEST) return false
  /** @type {any} */
  let holder = root
  /** @type {string | number} */
  let key = 'value'
  for (const next of path) {
    if (typeof next !== 'string' && typeof next !== 'number') return false
    holder = holder[key]
    if (holder === null || typeof holder !== 'object' || !Object.hasOwn(holder, next)) return false
    key = next
  }
  // Params that were nothing but this are absent.
  const free = holder[key] === null || (path.length === 0 && holder[key] === undefined)
  if (!free) return false
  put(holder, key, handle)
  return true
}

/** @param {any} holder @param {string | number} key @param {unknown} value */
function put(holder, key, value) {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}
