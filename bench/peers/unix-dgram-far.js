// Answers each message with one as long, or each batch with one byte; ends with its stdin.
import { job } from '../lib/far.js'
import { datagrams } from '../lib/unix-dgram.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const wanted = roundTrip ? 1 : batch
const sender = datagrams()
let seen = 0
const receiver = datagrams(() => {
  seen += 1
  if (seen < wanted) return
  seen = 0
  sender.send(answer)
})
receiver.bind(`${rest[0]}-far`)
await sender.connect(`${rest[0]}-near`)
sender.send(answer)
