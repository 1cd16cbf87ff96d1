// Two processes wake each other through shared memory of os-ipc. The form says how both sides wait: wait is awaited,
// sync blocks the thread. What is handed over stands in the memory already.
import { SharedMemory } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, rest } = job()
const [form] = rest
const memory = SharedMemory.create(size)
const words = new Int32Array(memory.buffer)
words.fill(7, 32)
spawnFar('shm-far.js', process.argv.slice(2), { stdio: ['ignore', 'ignore', 'inherit', memory.fd] })
let turn = 0

await serve(
  form === 'sync'
    ? () => {
        pass()
        while (Atomics.load(words, 16) !== turn) memory.waitSync(64, turn - 1)
      }
    : async () => {
        pass()
        while (Atomics.load(words, 16) !== turn) await memory.wait(64, turn - 1)
      },
)

function pass() {
  turn = (turn + 1) | 0
  Atomics.store(words, 0, turn)
  memory.notify(0)
}
