/**
 * Where messages arrive before it is known how long they are. One for the whole environment: each take ends before the
 * next one begins, and nobody keeps it.
 */
import { Buffer } from 'node:buffer'

/** From this size on, a message keeps the memory that it has arrived in, if it fills half of it: cheaper than a copy. */
const LARGE = 16 * 1024

/** Node takes shorter ones from a pool; for each of these it would make an ArrayBuffer, which costs more than the copy. */
const MEDIUM = 4 * 1024
const SLAB = 64 * 1024

/** Where medium messages are put one behind the other, and how much of it is taken. */
let slab = Buffer.alloc(0)
let taken = 0

let scratch = Buffer.alloc(0)
/** The part that was copied last: messages in a row are often of one length. */
let part = scratch

/** Memory for at least `size` bytes. @param {number} size */
export function roomFor(size) {
  if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size)
  return scratch
}

/** What has arrived in it, as memory of its own. @param {number} length @returns {Buffer} */
export function arrived(length) {
  if (length >= LARGE && length >= scratch.length / 2) {
    const message = length === scratch.length ? scratch : scratch.subarray(0, length)
    scratch = Buffer.alloc(0)
    return message
  }
  if (part.length !== length || part.buffer !== scratch.buffer) part = scratch.subarray(0, length)
  const message = length < MEDIUM ? Buffer.allocUnsafe(length) : memory(length)
  message.set(part)
  return message
}

/** @param {number} length */
function memory(length) {
  if (slab.length - taken < length) {
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB, length))
    taken = 0
  }
  const start = taken
  // As Node's pool does: what is put there as other types wants to be aligned.
  taken = (start + length + 7) & ~7
  return slab.subarray(start, start + length)
}
