// So many processes take and give back one lock, as often as they can: KIND FORM PROCESSES MILLISECONDS. For each N on
// stdin they do so for N times so long.
import { setTimeout as sleep } from 'node:timers/promises'
import { SharedMemory } from '../../index.js'
import { spawnFar } from '../lib/far.js'
import { serveFigures } from '../lib/near.js'
import { locks } from './locks.js'
import { BEGUN, DONE, HANDED_OVER, LAST, OVER, PLACES, ROUND, SIZE, TAKEN } from './locks-contended.js'

const [kind, form, processes, milliseconds] = process.argv.slice(2)
const name = `os-ipc-bench-${process.pid}`
const memory = SharedMemory.create(SIZE)
const words = new Int32Array(memory.buffer)
const { remove } = locks[kind](name)
process.on('exit', remove)
const count = Number(processes)
if (count > PLACES) throw new RangeError(`at most ${PLACES} processes`)
Atomics.store(words, LAST, -1)
for (let number = 0; number < count; number += 1) {
  spawnFar('locks-contended-far.js', [kind, form, name, number], { stdio: ['ignore', 'ignore', 'inherit', memory.fd] })
}
await reached(DONE, count)

await serveFigures(async (times) => {
  Atomics.store(words, DONE, 0)
  Atomics.store(words, BEGUN, 0)
  Atomics.store(words, OVER, 0)
  Atomics.add(words, ROUND, 1)
  memory.notify(4 * ROUND)
  // Each has had it by then: whoever wakes up first would have it for itself.
  await reached(BEGUN, count)
  const start = process.hrtime.bigint()
  const before = words.slice()
  await sleep(times * Number(milliseconds))
  const after = words.slice()
  const ns = Number(process.hrtime.bigint() - start)
  Atomics.store(words, OVER, 1)
  await reached(DONE, count)
  const figures = (/** @type {number} */ first) =>
    Array.from({ length: count }, (_, number) => after[first + number] - before[first + number])
  return { ns: [ns], taken: figures(TAKEN), handedOver: figures(HANDED_OVER) }
})

/** All have come so far. @param {number} word @param {number} all */
async function reached(word, all) {
  for (let now = Atomics.load(words, word); now < all; now = Atomics.load(words, word)) {
    await memory.wait(4 * word, now, { timeout: 100 })
  }
}
