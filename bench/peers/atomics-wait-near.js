// Atomics.wait between the main thread and a worker thread of one process: what Node has without another process.
import { Worker } from 'node:worker_threads'
import { serve } from '../lib/near.js'

const words = new Int32Array(new SharedArrayBuffer(128))
const worker = new Worker(
  `const words = new Int32Array(require('node:worker_threads').workerData)
   for (let seen = 0; ; seen = (seen + 1) | 0) {
     Atomics.wait(words, 0, seen)
     Atomics.store(words, 16, (seen + 1) | 0)
     Atomics.notify(words, 16)
   }`,
  { eval: true, workerData: words.buffer },
)
worker.unref()
let turn = 0

await serve(() => {
  turn = (turn + 1) | 0
  Atomics.store(words, 0, turn)
  Atomics.notify(words, 0)
  Atomics.wait(words, 16, turn - 1)
})
