/**
 * Taking a message out of a queue, into memory that it may keep.
 */
import { Buffer } from 'node:buffer'
import native from '../load.js'
import { arrived, roomFor } from '../scratch.js'
import { BLOCKED } from '../wait/direction.js'

/** @typedef {import('./core.js').QueueCore} QueueCore */
/** @typedef {{ data: Buffer, priority: number }} Message */

// By name of its own: a look into the addon, which has a hundred of them, would be felt in each message.
const { posixQueueReceive } = native

/** The addon writes the priority behind the message. */
const PRIORITY_SIZE = 2

/** Messages of queues of these sizes arrive where they stay, one behind the other: a copy would cost more. */
const LEAST = 1024
const MOST = 16 * 1024
const SLAB = 64 * 1024

let slab = Buffer.alloc(0)
let used = 0

/** @param {QueueCore} core @param {number} milliseconds to wait before, blocking this thread @returns {Message | typeof BLOCKED} */
export function take(core, milliseconds) {
  const { maxMessageSize } = core
  return maxMessageSize >= LEAST && maxMessageSize <= MOST
    ? takeInPlace(core, maxMessageSize + PRIORITY_SIZE, milliseconds)
    : takeAndCopy(core, maxMessageSize + PRIORITY_SIZE, milliseconds)
}

/** @param {QueueCore} core @param {number} size @param {number} milliseconds @returns {Message | typeof BLOCKED} */
function takeAndCopy(core, size, milliseconds) {
  const room = roomFor(size)
  const length = posixQueueReceive(core.id, room, 0, milliseconds)
  if (length < 0) return core.nothing()
  const priority = priorityBehind(room, length)
  return { data: arrived(length), priority }
}

/** @param {QueueCore} core @param {number} size @param {number} milliseconds @returns {Message | typeof BLOCKED} */
function takeInPlace(core, size, milliseconds) {
  if (slab.length - used < size) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const start = used
  const length = posixQueueReceive(core.id, slab, start, milliseconds)
  if (length < 0) return core.nothing()
  const priority = priorityBehind(slab, start + length)
  // As Node's pool does: what is put there as other types wants to be aligned.
  used = (start + length + 7) & ~7
  return { data: slab.subarray(start, start + length), priority }
}

/** @param {Buffer} memory @param {number} at */
function priorityBehind(memory, at) {
  return memory[at] | (memory[at + 1] << 8)
}
