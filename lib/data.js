/**
 * What users send, as bytes; what they receive into, as memory.
 */
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { invalidState, invalidType, invalidValue } from './errors.js'

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
 * Memory to receive into.
 * @param {unknown} target
 * @returns {ArrayBufferView}
 */
export function targetOf(target, name = 'target') {
  if (!ArrayBuffer.isView(target)) throw invalidType(name, 'a Buffer, TypedArray or DataView', target)
  if (lengthOf(target) === 0) {
    refuseDetached(target.buffer, target, name)
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
  if (target instanceof Uint8Array) return target
  return new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
}

/** @param {ArrayBufferView} view @param {string} name */
function viewOf(view, name) {
  if (lengthOf(view) === 0) {
    refuseDetached(view.buffer, view, name)
    return new Uint8Array(0)
  }
  if (types.isSharedArrayBuffer(view.buffer)) {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
  }
  if (view instanceof Uint8Array) return view
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** @param {ArrayBufferView} view */
function lengthOf(view) {
  try {
    return view.byteLength
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
