// Answers each message with one as long, or each batch with one of a byte; ends with its stdin.
import zeromq from 'zeromq'
import { job } from '../lib/far.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const wanted = roundTrip ? 1 : batch
const socket = new zeromq.Pair()
socket.connect(rest[0])
await socket.send('ready')
for (;;) {
  for (let seen = 0; seen < wanted; seen += 1) await socket.receive()
  await socket.send(answer)
}
