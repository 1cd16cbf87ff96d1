// Answers each batch with a short message to its parent; ends with it.
import { Topic } from '../../index.js'
import { job } from '../lib/far.js'

const { batch, rest } = job()
const subscription = await Topic.open(rest[2]).subscribe()
process.on('disconnect', () => process.exit())
process.send?.('ready')
for (;;) {
  for (let seen = 0; seen < batch; seen += 1) await subscription.recv()
  process.send?.(1)
}
