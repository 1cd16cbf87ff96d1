// Answers each message with one as long, or each batch with a short one; ends with the channel.
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const answer = !roundTrip ? 1 : rest[0] === 'json' ? 'x'.repeat(size) : Buffer.alloc(size, 7)
const wanted = roundTrip ? 1 : batch
let seen = 0
process.on('message', () => {
  seen += 1
  if (seen < wanted) return
  seen = 0
  process.send?.(answer)
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
