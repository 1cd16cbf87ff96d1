/**
 * Memory for large messages, used again: the pages of fresh memory cost more than copying into them does. One piece for each
 * purpose and thread is kept, and what a program has got is its own.
 */
import { Buffer } from 'node:buffer'
import native from '../load.js'

/** Below, memory costs less than the copy. */
const LEAST = 16 * 1024
/** What is kept at most. */
const MOST = 1024 * 1024

const NONE = Buffer.alloc(0)

/** For the copies of messages that wait for room. @type {Buffer} */
let forCopies = NONE
/** For messages that are put together here and go on into other memory. @type {Buffer} */
let forArrivals = NONE

/** A copy of what its owner may change from now on; `endCopy` says that nobody needs it any more. @param {Uint8Array} bytes @returns {Buffer} */
export function copyOf(bytes) {
  const { byteLength } = bytes
  if (byteLength < LEAST) return Buffer.from(bytes)
  const large = forCopies.length >= byteLength
  const memory = large ? forCopies : Buffer.allocUnsafeSlow(byteLength)
  if (large) forCopies = NONE
  memory.set(bytes)
  return memory.length === byteLength ? memory : Buffer.from(memory.buffer, 0, byteLength)
}

/** @param {Uint8Array} copy that `copyOf` has made */
export function endCopy(copy) {
  const { buffer } = copy
  if (copy.byteLength < LEAST || buffer.byteLength > MOST || buffer.byteLength <= forCopies.length) return
  forCopies = Buffer.from(buffer)
}

/** From this size on, the pages of a message's memory are felt. */
const LARGE = 32 * 1024
/** Bytes of such messages, before the allocator is asked to keep what was freed: a program that gets one now and then is left alone. */
const MUCH = 16 * 1024 * 1024

/** What is left of them. */
let left = MUCH

/** A message has come or was made that needs so much memory. @param {number} length */
export function expect(length) {
  if (left <= 0 || length < LARGE) return
  left -= length
  if (left <= 0) native.keepFreedMemory()
}

/** Memory of its own for a message of so many bytes. @param {number} length @returns {Buffer} */
export function roomFor(length) {
  expect(length)
  if (forArrivals.length !== length || length === 0) return Buffer.allocUnsafeSlow(length)
  const memory = forArrivals
  forArrivals = NONE
  return memory
}

/** Nobody else has `message`, which stands in memory that `roomFor` gave. @param {Buffer} message */
export function endArrival(message) {
  if (message.length >= LEAST && message.length <= MOST) forArrivals = message
}
