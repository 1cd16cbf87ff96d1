// unix-dgram: a datagram socket on each side, both connected, so that it tells of room.
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'
import { datagrams } from '../lib/unix-dgram.js'

const { batch, size } = job()
const path = `${process.env.BENCH_DIRECTORY}/unix-dgram-${process.pid}`
const bell = new Bell()
const hello = bell.next()
const receiver = datagrams(() => bell.ring())
receiver.bind(`${path}-near`)
spawnFar('unix-dgram-far.js', [...process.argv.slice(2), path], { stdio: ['pipe', 'ignore', 'inherit'] })
await hello
const sender = datagrams()
await sender.connect(`${path}-far`)
const message = Buffer.alloc(size, 7)

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) {
    const waiting = sender.send(message)
    if (waiting) await waiting
  }
  await answered
})
