// Answers each message with one as long, or each batch with one byte; ends with the connection.
import { closeSync } from 'node:fs'
import { UnixSocket } from '../../index.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [type, form] = rest
const socket = UnixSocket.fromFd(3)
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const wanted = roundTrip ? size : size * batch
const options = form === 'large' ? { maxBytes: 1 << 20 } : undefined

const memory = Buffer.alloc(1 << 20)
let seen = 0
const takes = {
  async recv() {
    const message = await socket.recv(options)
    if (message === null) return false
    seen += message.data.length
    return true
  },
  async into() {
    const length = await socket.recvInto(memory)
    seen += length
    return length > 0
  },
  async many() {
    const messages = await socket.recvMany()
    for (const { data } of messages) seen += data.length
    return messages.length > 0
  },
  async fds() {
    const message = await socket.recv()
    if (message === null) return false
    for (const fd of message.fds) closeSync(fd)
    seen += message.data.length
    return true
  },
}

if (form === 'sync') {
  for (let message = socket.recvSync(); message !== null; message = socket.recvSync()) {
    seen += message.data.length
    if (seen >= wanted) {
      seen = 0
      socket.sendSync(answer)
    }
  }
} else {
  const take = type === 'stream' && form === 'many' ? takes.recv : takes[form === 'large' ? 'recv' : form]
  while (await take()) {
    if (seen < wanted) continue
    seen = 0
    await socket.send(answer)
  }
}
process.exit()
