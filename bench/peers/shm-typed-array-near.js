// shm-typed-array, which gives memory alone: the ring in it is written by hand.
import shm from 'shm-typed-array'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { bytesFor, Slots } from '../lib/slots.js'

const { roundTrip, size, batch } = job()
const there = /** @type {any} */ (shm.create(bytesFor(size), 'Buffer'))
const back = /** @type {any} */ (shm.create(bytesFor(size), 'Buffer'))
spawnFar('shm-typed-array-far.js', [...process.argv.slice(2), there.key, back.key], {
  stdio: ['pipe', 'ignore', 'inherit'],
})
const outgoing = new Slots(there, size)
const incoming = new Slots(back, roundTrip ? size : 1)
const message = Buffer.alloc(size, 7)

await serve(async () => {
  for (let index = 0; index < batch; index += 1) await outgoing.send(message)
  await incoming.receive()
})
