/** What specs of POSIX queues share. A user's queues are few: each is small, and its name goes as soon as it can. */
import { after } from 'node:test'
import { PosixMessageQueue } from '../../index.js'

/** @type {PosixMessageQueue[]} */
const made = []

/** A queue without a name, closed at the end of the spec. @param {Parameters<typeof PosixMessageQueue.open>[1]} [options] */
export function newQueue(options) {
  const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 3, maxMessageSize: 64, ...options })
  queue.unlink()
  return keep(queue)
}

/** A queue with a name that a test has to unlink itself. @param {Parameters<typeof PosixMessageQueue.open>[1]} [options] */
export function namedQueue(options) {
  const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 3, maxMessageSize: 64, ...options })
  return /** @type {PosixMessageQueue & { name: string }} */ (keep(queue))
}

/** @template {PosixMessageQueue} Q @param {Q} queue @returns {Q} */
export function keep(queue) {
  made.push(queue)
  return queue
}

/** To be called once in each spec that makes queues. */
export function closeQueuesAfter() {
  after(() => {
    for (const queue of made.splice(0)) queue.close()
  })
}

let last = 0

/** A name that nobody uses. */
export function newName() {
  return `/os-ipc-spec-${process.pid}-${++last}`
}

/** Sends until nothing more fits. @param {PosixMessageQueue} queue */
export function fill(queue) {
  let count = 0
  while (queue.trySend('full')) count++
  return count
}
