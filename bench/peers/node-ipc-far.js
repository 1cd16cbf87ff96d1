// Answers each message with one as long, or each batch with a short one; ends with its stdin.
import ipc from 'node-ipc'
import { job } from '../lib/far.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const answer = roundTrip ? 'x'.repeat(size) : 'x'
const wanted = roundTrip ? 1 : batch
ipc.config.silent = true
let seen = 0
ipc.connectTo('near', rest[0], () => {
  const near = ipc.of.near
  near.on('connect', () => near.emit('answer', 'ready'))
  near.on('message', () => {
    seen += 1
    if (seen < wanted) return
    seen = 0
    near.emit('answer', answer)
  })
})
