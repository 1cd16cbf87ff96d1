// Answers each message with one as long, or each batch with one byte; ends with its stdin.
import { SeqpacketSocket } from 'node-unix-socket'
import { job } from '../lib/far.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const wanted = roundTrip ? 1 : batch
const socket = new SeqpacketSocket()
let seen = 0
socket.on('data', () => {
  seen += 1
  if (seen < wanted) return
  seen = 0
  socket.write(answer)
})
socket.connect(rest[0])
