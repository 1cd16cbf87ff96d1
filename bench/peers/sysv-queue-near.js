// System V queues of os-ipc. The form says how both sides wait: recv is awaited, sync blocks the thread.
import { SysvMessageQueue } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch, rest } = job()
const [form] = rest
const there = SysvMessageQueue.open('private')
const back = SysvMessageQueue.open('private')
const message = Buffer.alloc(size, 7)
// They stay until somebody removes them.
process.on('exit', () => {
  for (const queue of [there, back]) queue.remove()
})
spawnFar('sysv-queue-far.js', [...process.argv.slice(2), there.id, back.id], {
  stdio: ['ignore', 'ignore', 'inherit'],
})

await serve(
  form === 'sync'
    ? () => {
        for (let index = 0; index < batch; index += 1) there.sendSync(message)
        back.recvSync()
      }
    : async () => {
        for (let index = 0; index < batch; index += 1) await there.send(message)
        await back.recv()
      },
)
