// node-unix-socket: a server of whole messages (seqpacket) and one connection.
import { SeqpacketServer } from 'node-unix-socket'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { roundTrip, size, batch } = job()
const path = `${process.env.BENCH_DIRECTORY}/node-unix-socket-${process.pid}.sock`
const bell = new Bell()
const connected = bell.next()
/** @type {import('node-unix-socket').SeqpacketSocket} */
let socket
const server = new SeqpacketServer()
server.on('connection', (/** @type {import('node-unix-socket').SeqpacketSocket} */ connection) => {
  socket = connection
  socket.on('data', (/** @type {Buffer} */ { length }) => {
    if (length === (roundTrip ? size : 1)) bell.ring()
  })
  bell.ring()
})
server.listen(path)
spawnFar('node-unix-socket-far.js', [...process.argv.slice(2), path], { stdio: ['pipe', 'ignore', 'inherit'] })
await connected
const message = Buffer.alloc(size, 7)

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) socket.write(message)
  await answered
})
