// shared-memory-disruptor: one ring there and one back, elements of the size of a message.
import disruptor from 'shared-memory-disruptor'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch } = job()
const { Disruptor } = disruptor
const name = `/os-ipc-bench-${process.pid}`
const elements = Math.max(2, Math.floor((1 << 20) / size))
const there = new Disruptor(`${name}-there`, elements, size, 1, -1, true, true)
const back = new Disruptor(`${name}-back`, 2, roundTrip ? size : 1, 1, 0, true, true)
spawnFar('shared-memory-disruptor-far.js', [...process.argv.slice(2), name, elements], {
  stdio: ['pipe', 'ignore', 'inherit'],
})
const message = Buffer.alloc(size, 7)

await serve(async () => {
  for (let index = 0; index < batch; index += 1) {
    const { buf } = await there.produceClaim()
    buf.set(message)
    await there.produceCommit()
  }
  await back.consumeNew()
  back.consumeCommit()
})
