// zeromq: two Pair sockets over ipc://.
import zeromq from 'zeromq'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch } = job()
const address = `ipc://${process.env.BENCH_DIRECTORY}/zeromq-${process.pid}.sock`
const socket = new zeromq.Pair()
await socket.bind(address)
spawnFar('zeromq-far.js', [...process.argv.slice(2), address], { stdio: ['pipe', 'ignore', 'inherit'] })
await socket.receive()
const message = Buffer.alloc(size, 7)

await serve(async () => {
  for (let index = 0; index < batch; index += 1) await socket.send(message)
  await socket.receive()
})
