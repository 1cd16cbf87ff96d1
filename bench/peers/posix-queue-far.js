// Answers each message with one as long, or each batch with one byte, for as long as the near side lives.
import { PosixMessageQueue } from '../../index.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [form] = rest
const there = PosixMessageQueue.fromFd(3)
const back = PosixMessageQueue.fromFd(4)
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const parent = process.ppid
/** A queue does not end: without a message for so long, it is asked whether the near side has. */
const patience = { timeout: 5_000 }

if (form === 'sync') {
  for (;;) {
    for (let index = 0; index < batch; index += 1) takeSync()
    back.sendSync(answer)
  }
} else {
  setInterval(endWithParent, patience.timeout)
  for (;;) {
    for (let index = 0; index < batch; index += 1) await there.recv()
    await back.send(answer)
  }
}

function takeSync() {
  for (;;) {
    try {
      return there.recvSync(patience)
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ETIMEDOUT') throw error
      endWithParent()
    }
  }
}

function endWithParent() {
  if (process.ppid !== parent) process.exit()
}
