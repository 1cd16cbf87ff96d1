/** What specs of System V objects share: queues that go with their test, and what the kernel says is there. */
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { SysvMessageQueue } from '../../index.js'

/** Ids of queues, whoever has made them. */
export function queueIds() {
  const [, ...lines] = readFileSync('/proc/sysvipc/msg', 'utf8').trim().split('\n')
  return lines.map((line) => Number(line.trim().split(/\s+/)[1]))
}

/** @type {SysvMessageQueue[]} */
const made = []

/** A queue that is removed at the end of the spec, whatever becomes of it before. @param {number} [maxBytes] */
export function newQueue(maxBytes) {
  const queue = SysvMessageQueue.open('private')
  made.push(queue, queue.dup())
  if (maxBytes !== undefined) queue.set({ maxBytes })
  return queue
}

/** To be called once in each spec that makes queues. */
export function removeQueuesAfter() {
  after(removeQueues)
}

/** Removes and closes what `newQueue` has made. */
function removeQueues() {
  for (const queue of made.splice(0)) {
    if (!queue.closed && queueIds().includes(queue.id)) queue.remove()
    queue.close()
  }
}

let lastKey = 0

/** A key that nobody uses: of this process, this moment and a count. */
export function newKey() {
  return ((process.pid << 12) ^ (Date.now() << 4) ^ ++lastKey) | 1
}

/** Sends until nothing more fits. @param {SysvMessageQueue} queue @param {number} [size] */
export function fill(queue, size = 64) {
  let count = 0
  while (queue.trySend(Buffer.alloc(size, 'f'), { type: 1000 })) count++
  return count
}

/** Message `i` of the interop programs. @param {number} i */
export function numbered(i) {
  return { type: 1 + (i % 7), text: `${i}:${'x'.repeat(i % 200)}` }
}
