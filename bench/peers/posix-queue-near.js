// POSIX queues of os-ipc. The form says how both sides wait: recv is awaited, sync blocks the thread.
import { PosixMessageQueue } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch, rest } = job()
const [form, maxMessages] = rest
const there = open({ maxMessages: Number(maxMessages), maxMessageSize: size })
const back = open({ maxMessages: 1, maxMessageSize: roundTrip ? size : 1 })
const message = Buffer.alloc(size, 7)
spawnFar('posix-queue-far.js', process.argv.slice(2), {
  stdio: ['ignore', 'ignore', 'inherit', there.fd, back.fd],
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

/** @param {{ maxMessages: number, maxMessageSize: number }} sizes */
function open(sizes) {
  const queue = PosixMessageQueue.open(null, { create: true, ...sizes })
  queue.unlink()
  return queue
}
