// Answers each message with one as long, or each batch with one byte, until it is ended.
import { PosixMessageQueue } from '../../index.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [form] = rest
const there = PosixMessageQueue.fromFd(3)
const back = PosixMessageQueue.fromFd(4)
const answer = Buffer.alloc(roundTrip ? size : 1, 7)

if (form === 'sync') {
  for (;;) {
    for (let index = 0; index < batch; index += 1) there.recvSync()
    back.sendSync(answer)
  }
} else {
  for (;;) {
    for (let index = 0; index < batch; index += 1) await there.recv()
    await back.send(answer)
  }
}
