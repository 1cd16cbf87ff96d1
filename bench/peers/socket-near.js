// A Unix net.Socket with framed messages.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { job, spawnFar } from '../lib/far.js'
import { frame, onMessages } from '../lib/frames.js'
import { serve } from '../lib/near.js'
import { Bell, write } from '../lib/stream.js'

const { size, batch } = job()
const path = `${process.env.BENCH_DIRECTORY}/net-${process.pid}.sock`
const server = createServer().listen(path)
await once(server, 'listening')
spawnFar('socket-far.js', [...process.argv.slice(2), path], { stdio: ['ignore', 'ignore', 'inherit'] })
const [socket] = await once(server, 'connection')
const message = frame(size)
const bell = new Bell()
onMessages(socket, () => bell.ring())

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) {
    const patience = write(socket, message)
    if (patience) await patience
  }
  await answered
})
