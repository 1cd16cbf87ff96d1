// Answers each message with one as long, or each batch with one byte, until the near side has removed the queues.
import { SysvMessageQueue } from '../../index.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [form, there, back] = rest
const questions = SysvMessageQueue.fromId(Number(there))
const answers = SysvMessageQueue.fromId(Number(back))
const answer = Buffer.alloc(roundTrip ? size : 1, 7)

try {
  for (;;) {
    if (form === 'sync') {
      for (let index = 0; index < batch; index += 1) questions.recvSync()
      answers.sendSync(answer)
    } else {
      for (let index = 0; index < batch; index += 1) await questions.recv()
      await answers.send(answer)
    }
  }
} catch (error) {
  if (!['EIDRM', 'EINVAL'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error
}
