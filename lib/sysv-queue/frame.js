/**
 * A message as the kernel takes and gives it: its type in eight bytes, then its text. One frame serves the whole
 * environment, since each call ends before the next one begins.
 */
import { Buffer } from 'node:buffer'
import native from '../load.js'

const HEADER = 8
const WORD = 2 ** 32

let frame = Buffer.allocUnsafeSlow(HEADER + native.sysvQueueLimit())
let words = new Int32Array(frame.buffer, 0, 2)
/** The part that was copied last: messages in a row are often of one length. */
let part = frame.subarray(HEADER)

/** @param {number} length of the text */
function make(length) {
  frame = Buffer.allocUnsafeSlow(HEADER + length)
  words = new Int32Array(frame.buffer, 0, 2)
}

/** The frame with this type, which for a receive is the one that selects. @param {number} type */
export function frameFor(type) {
  words[0] = type
  words[1] = Math.floor(type / WORD)
  return frame
}

/** The frame with this message. @param {number} type @param {Uint8Array} bytes */
export function frameWith(type, bytes) {
  if (bytes.length > frame.length - HEADER) make(bytes.length)
  frameFor(type)
  frame.set(bytes, HEADER)
  return frame
}

/** This message for somebody who keeps it. @param {number} type @param {Uint8Array} bytes */
export function ownFrameWith(type, bytes) {
  return frameWith(type, bytes).subarray(0, HEADER + bytes.length)
}

/** A message is longer than the frame: it was sent when the limit was higher, or the limit has been raised since. */
export function enlarge() {
  make(Math.max(2 * (frame.length - HEADER), native.sysvQueueLimit()))
}

/** The type of what has arrived. */
export function arrivedType() {
  return (words[0] >>> 0) + words[1] * WORD
}

/** What has arrived, as memory of its own. @param {number} length */
export function arrivedText(length) {
  if (part.length !== length || part.buffer !== frame.buffer) part = frame.subarray(HEADER, HEADER + length)
  const text = Buffer.allocUnsafe(length)
  text.set(part)
  return text
}
