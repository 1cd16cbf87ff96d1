/**
 * What users send, as bytes; what they receive into, as memory.
 */
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { invalidState, invalidType, invalidValue, unsendable } from './errors.js'

/**
 * What the engine says of a view, whatever a subclass or a property of the view's own may say: nobody's code runs while
 * something is under way.
 * @param {object} prototype
 * @param {string} name
 * @returns {(view: ArrayBufferView) => any}
 */
function getterOf(prototype, name) {
  const get = /** @type {() => any} */ (Object.getOwnPropertyDescriptor(prototype, name)?.get)
  return (view) => get.call(view)
}

/** @param {object} prototype */
function gettersOf(prototype) {
  const [buffer, offset, length] = ['buffer', 'byteOffset', 'byteLength'].map((name) => getterOf(prototype, name))
  return { buffer, offset, length }
}

const OF_ARRAY = gettersOf(Object.getPrototypeOf(Uint8Array.prototype))
const OF_VIEW = gettersOf(DataView.prototype)

/** @param {ArrayBufferView} view */
function getters(view) {
  return types.isTypedArray(view) ? OF_ARRAY : OF_VIEW
}

const EXPECTED = 'of type string or an ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray or DataView'

/**
 * A view of the bytes as they are now. Memory that other threads share is copied, all else is not.
 * @param {unknown} data
 * @returns {Uint8Array}
 */
export function bytesOf(data, name = 'data') {
  if (typeof data === 'string') return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return viewOf(data, name)
  if (types.isArrayBuffer(data)) {
    refuseDetached(data, data, name)
    return new Uint8Array(data)
  }
  if (types.isSharedArrayBuffer(data)) return new Uint8Array(data).slice()
  throw invalidType(name, EXPECTED, data)
}

/**
 * The text of a value in JSON.
 * @param {unknown} value
 * @param {string} name
 */
export function jsonOf(value, name) {
  let text
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw unsendable(name, 'JSON', error)
  }
  if (text === undefined) throw invalidType(name, 'a value that JSON has', value)
  return text
}

/**
 * Memory to receive into.
 * @param {unknown} target
 * @returns {ArrayBufferView}
 */
export function targetOf(target, name = 'target') {
  if (!ArrayBuffer.isView(target)) throw invalidType(name, 'a Buffer, TypedArray or DataView', target)
  if (lengthOf(target) === 0) {
    refuseDetached(getters(target).buffer(target), target, name)
    throw invalidValue(name, target, 'must hold at least one byte')
  }
  return target
}

/**
 * The bytes of a target at the moment when something is put into them: it may have been detached since it was given.
 * @param {ArrayBufferView} target
 * @returns {Uint8Array}
 */
export function memoryOf(target) {
  if (lengthOf(target) === 0) throw invalidState('The memory to receive into has been detached')
  return isPlain(target) ? target : plain(target)
}

/**
 * Whether it is a view of some bytes, as most messages are: then nothing has to be asked of it that a program could have an
 * answer to.
 * @param {unknown} data
 * @returns {data is Uint8Array}
 */
export function isPlainBytes(data) {
  return types.isUint8Array(data) && OF_ARRAY.length(data) > 0
}

/** Whether other threads may write there meanwhile. @param {Uint8Array} bytes */
export function isShared(bytes) {
  return types.isSharedArrayBuffer(OF_ARRAY.buffer(bytes))
}

/** @param {ArrayBufferView} view @param {string} name */
function viewOf(view, name) {
  const buffer = getters(view).buffer(view)
  if (lengthOf(view) === 0) {
    refuseDetached(buffer, view, name)
    return new Uint8Array(0)
  }
  if (types.isSharedArrayBuffer(buffer)) return plain(view).slice()
  return isPlain(view) ? view : plain(view)
}

/** A view of the same bytes without anything of the program's own. @param {ArrayBufferView} view */
export function plain(view) {
  const { buffer, offset, length } = getters(view)
  return new Uint8Array(buffer(view), offset(view), length(view))
}

/**
 * Whether a view can be used as it is.
 * @param {ArrayBufferView} view
 * @returns {view is Uint8Array}
 */
function isPlain(view) {
  const prototype = Object.getPrototypeOf(view)
  return (
    (prototype === Buffer.prototype || prototype === Uint8Array.prototype) &&
    !Object.hasOwn(view, 'length') &&
    !Object.hasOwn(view, 'byteLength')
  )
}

/** As the engine says; none of memory that is gone. @param {ArrayBufferView} view @returns {number} */
export function lengthOf(view) {
  try {
    return getters(view).length(view)
  } catch {
    // A DataView whose memory is gone says so by throwing, where a typed array has no bytes.
    return 0
  }
}

/** @param {ArrayBufferLike} buffer @param {unknown} given @param {string} name */
function refuseDetached(buffer, given, name) {
  if (buffer.byteLength !== 0) return
  try {
    // Throws for a detached buffer alone, on every runtime; the property `detached` is newer.
    new Uint8Array(buffer)
  } catch {
    throw invalidValue(name, given, 'must not be detached')
  }
}
