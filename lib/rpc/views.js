/**
 * Large views of shared memory: the memory itself goes along, and the other side has a view of it too.
 */
import { Buffer } from 'node:buffer'
import { coreOf } from '../handle.js'
import { memoryOf } from '../shared-memory/core.js'
import { ownerOf, SharedMemory } from '../shared-memory/memory.js'
import { corrupt } from './errors.js'

/** Bytes from which on sharing is less work than copying. */
const LARGE = 64 * 1024

/** @type {ReadonlyArray<new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView>} */
const types = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]
const byName = new Map(types.map((type) => [type.name, type]))

/**
 * The memory that a view is one of, and how the other side is to make its own; undefined for what is to be copied.
 * @param {ArrayBufferView} view
 * @param {Array<string | number>} path
 */
export function placeOf(view, path) {
  if (view.byteLength < LARGE) return undefined
  const memory = ownerOf(view.buffer)
  const type = Buffer.isBuffer(view) ? 'Buffer' : Object.prototype.toString.call(view).slice(8, -1)
  if (memory === undefined || memoryOf(memory).readOnly || !(type === 'Buffer' || byName.has(type))) return undefined
  const { length } = /** @type {Uint8Array} */ (view)
  return { memory, place: { path, type, offset: view.byteOffset, length } }
}

/**
 * @param {import('../handle.js').Handle} handle
 * @param {any} place as the other side says
 * @returns {ArrayBufferView}
 */
export function viewOf(handle, { type, offset, length }) {
  const Type = byName.get(type)
  if (!(handle instanceof SharedMemory) || !(Type || type === 'Buffer')) throw corrupt('a view of no memory')
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) throw corrupt('a view of no memory')
  let view
  try {
    view = Type === undefined ? Buffer.from(handle.buffer, offset, length) : new Type(handle.buffer, offset, length)
  } catch {
    throw corrupt('a view of more memory than there is')
  }
  // It goes with the last view.
  const { site } = coreOf(handle)
  if (site !== undefined) site.silent = true
  return view
}
