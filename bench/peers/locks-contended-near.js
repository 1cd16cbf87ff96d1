// So many processes take and give back one lock, as often as they can: KIND FORM PROCESSES MILLISECONDS. For each N on
// stdin they do so for N times so long.
import { setTimeout as sleep } from 'node:timers/promises'
import { SharedMemory } from '../../index.js'
import { spawnFar } from '../lib/far.js'
import { serveFigures } from '../lib/near.js'
import { locks } from './locks.js'
import { DONE, HANDED_OVER, LAST, OVER, PLACES, ROUND, SIZE, TAKEN } from './locks-contended.js'

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
await reached(count)

await serveFigures(async (times) => {
  words.fill(0, TAKEN, TAKEN + 2 * PLACES)
  Atomics.store(words, DONE, 0)
  Atomics.store(words, OVER, 0)
  const start = process.hrtime.bigint()
  Atomics.add(words, ROUND, 1)
  memory.notify(4 * ROUND)
  await sleep(times * Number(milliseconds))
  Atomics.store(words, OVER, 1)
  const ns = Number(process.hrtime.bigint() - start)
  await reached(count)
  const figures = (/** @type {number} */ first) => [...words.subarray(first, first + count)]
  return { ns: [ns], taken: figures(TAKEN), handedOver: figures(HANDED_OVER) }
})

/** All have come to the end of the round. @param {number} all */
async function reached(all) {
  for (let done = Atomics.load(words, DONE); done < all; done = Atomics.load(words, DONE)) {
    await memory.wait(4 * DONE, done, { timeout: 100 })
  }
}
