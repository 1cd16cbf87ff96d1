/**
 * What a port sends where the message alone would not do: null and undefined, what looks like a frame itself, messages with
 * ports and handles in them, and messages of MessagePorts that went through.
 *
 *     [MARK, to]                            that MessagePort has closed
 *     [MARK, to, message]                   `to` is 0 for the port itself
 *     [MARK, to, message, token, [id, …]]   wherever `{ [token]: n }` stands in the message is the n-th of the MessagePorts
 *                                           with these ids, and behind them of the handles that came with the message
 */
import { types } from 'node:util'
import { isAnyArrayBuffer } from 'node:util/types'
import { MessagePort } from 'node:worker_threads'
import { invalidType, notSupported } from '../errors.js'
import { Handle } from '../handle.js'
import { corrupt } from './ring.js'

const MARK = 'os-ipc:port'

/** @typedef {{ ports: MessagePort[], handles: Handle[], buffers: ArrayBuffer[] }} Transfer */

/** @param {unknown} message @returns {message is unknown[]} */
export function isFrame(message) {
  return Array.isArray(message) && message[0] === MARK
}

/** What is to go with a message, by its kind. @param {any} given @returns {Transfer} */
export function sortTransfer(given) {
  /** @type {Transfer} */
  const sorted = { ports: [], handles: [], buffers: [] }
  if (given === undefined || given === null) return sorted
  const list = Array.isArray(given) || typeof given !== 'object' ? given : (given.transfer ?? [])
  if (!Array.isArray(list)) throw invalidType('transfer', 'an array', given)
  for (const [index, item] of Array.from(list).entries()) {
    if (item instanceof Handle) sorted.handles.push(item)
    else if (item instanceof MessagePort) sorted.ports.push(item)
    else if (isAnyArrayBuffer(item) && !types.isSharedArrayBuffer(item)) sorted.buffers.push(item)
    else throw invalidType(`transfer[${index}]`, 'a handle of os-ipc, a MessagePort or an ArrayBuffer', item)
  }
  return sorted
}

/** Says that the MessagePort has closed. @param {number} to */
export const frameOf = (to) => [MARK, to]

/**
 * The message as it goes.
 * @param {'bytes' | 'json' | 'structured'} codec
 * @param {number} to
 * @param {any} message
 * @param {Transfer} transfer
 * @param {number[]} ids those of the MessagePorts
 */
export function framedFor(codec, to, message, { ports, handles }, ids) {
  if (ports.length > 0 && codec !== 'structured') {
    throw notSupported("MessagePorts go with the codec 'structured' alone")
  }
  if (codec === 'structured' && ports.length + handles.length > 0) {
    const token = `${MARK}:${Math.random()}`
    const placing = new Placing(token, [...ports, ...handles])
    const placed = placing.of(message)
    if (placing.found || ports.length > 0) return [MARK, to, placed, token, ids]
  }
  const plain = to === 0 && message !== null && message !== undefined && !isFrame(message)
  return plain || codec === 'bytes' ? message : [MARK, to, message]
}

/** A message with something else in place of what cannot be in it. It is the sender's, so a copy of what leads there. */
class Placing {
  found = false
  /** @type {Map<object, object>} */
  #known = new Map()

  /** @param {string} token @param {object[]} items */
  constructor(token, items) {
    this.items = new Map(items.map((item, index) => [item, { [token]: index }]))
  }

  /** @param {any} value @returns {any} */
  of(value) {
    if (value === null || typeof value !== 'object') return value
    const place = this.items.get(value)
    if (place !== undefined) {
      this.found = true
      return place
    }
    return this.#known.get(value) ?? this.#copy(value)
  }

  /** @param {any} value */
  #copy(value) {
    if (types.isMap(value)) {
      const copy = this.#start(value, new Map())
      for (const [key, item] of value) copy.set(this.of(key), this.of(item))
      return copy
    }
    if (types.isSet(value)) {
      const copy = this.#start(value, new Set())
      for (const item of value) copy.add(this.of(item))
      return copy
    }
    const prototype = Object.getPrototypeOf(value)
    const list = Array.isArray(value)
    if (types.isProxy(value) || !(list || prototype === Object.prototype || prototype === null)) return value
    const copy = this.#start(value, list ? new Array(value.length) : {})
    for (const key of Object.keys(value)) put(copy, key, this.of(value[key]))
    return copy
  }

  /** @template T @param {object} value @param {T} copy @returns {T} */
  #start(value, copy) {
    this.#known.set(value, /** @type {any} */ (copy))
    return copy
  }
}

/** Whatever the key is called. @param {object} target @param {string} key @param {unknown} value */
function put(target, key, value) {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * What a frame says, checked: the other side may have written anything.
 * @param {any[]} frame
 * @param {(ids: number[]) => MessagePort[]} accept
 * @param {import('./envelope.js').Envelope<unknown>} envelope
 */
export function unframe(frame, accept, envelope) {
  const [, to, message, token, ids = []] = frame
  if (!Number.isSafeInteger(to)) throw corrupt('a message to no port')
  const handles = envelope.takeHandles()
  if (frame.length < 4) return { to, message, ends: frame.length === 2 && to !== 0, ports: [], handles }
  const right = Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id > 0)
  if (!right || typeof token !== 'string') throw corrupt('ports that are none')
  const ports = accept(ids)
  return { to, message: replaced(message, token, [...ports, ...handles]), ends: false, ports, handles }
}

/**
 * A message with everything in its place. Not by recursion: it may be nested as deep as the other side likes.
 * @param {unknown} message
 * @param {string} token
 * @param {object[]} items
 */
function replaced(message, token, items) {
  const seen = new Set()
  /** @type {any[]} */
  const left = []
  /** @param {any} value */
  const of = (value) => {
    if (value === null || typeof value !== 'object') return value
    if (Object.hasOwn(value, token)) {
      const item = items[value[token]]
      if (item === undefined) throw corrupt('a place for nothing')
      return item
    }
    const open = Array.isArray(value) || types.isMap(value) || types.isSet(value) || isPlain(value)
    if (open && !seen.has(value)) {
      seen.add(value)
      left.push(value)
    }
    return value
  }
  const root = of(message)
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (types.isMap(value)) {
      const entries = [...value]
      value.clear()
      for (const [key, item] of entries) value.set(of(key), of(item))
    } else if (types.isSet(value)) {
      const entries = [...value]
      value.clear()
      for (const item of entries) value.add(of(item))
    } else {
      for (const key of Object.keys(value)) {
        const item = of(value[key])
        if (item !== value[key]) put(value, key, item)
      }
    }
  }
  return root
}

/** @param {object} value */
function isPlain(value) {
  return Object.getPrototypeOf(value) === Object.prototype
}
