// Answers each message with one as long, or each batch with one of a byte; ends with the connection.
import { connect } from 'node:net'
import { job } from '../lib/far.js'
import { frame, onMessages } from '../lib/frames.js'

const { roundTrip, size, batch, rest } = job()
const socket = connect(rest[0])
const answer = frame(roundTrip ? size : 1)
const wanted = roundTrip ? 1 : batch
let seen = 0
onMessages(socket, () => {
  seen += 1
  if (seen < wanted) return
  seen = 0
  socket.write(answer)
})
socket.on('close', () => process.exit())
