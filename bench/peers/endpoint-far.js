// Answers each message with one as long, or each batch with one byte; ends with whoever has started it.
import { Endpoint, ProcessHandle } from '../../index.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch } = job()
const endpoint = Endpoint.open()
ProcessHandle.open(process.ppid)
  .exited()
  .then(() => process.exit())
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const wanted = roundTrip ? size : size * batch
let seen = 0
for await (const { from, data } of endpoint) {
  seen += data.length
  if (seen < wanted) continue
  seen = 0
  await endpoint.send(from, answer)
}
