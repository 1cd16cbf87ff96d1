// Answers each message with one as long, or each batch with one byte, until the near side has removed the queues.
import { promisify } from 'node:util'
import svmq from 'svmq'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [there, back] = rest.map((key) => svmq.open(Number(key), 0x600))
const push = promisify(back.push.bind(back))
const pop = promisify(there.pop.bind(there))
const answer = Buffer.alloc(roundTrip ? size : 1, 7)

try {
  for (;;) {
    for (let index = 0; index < batch; index += 1) await pop()
    await push(answer)
  }
} catch {
  // They have gone, with the near side.
}
