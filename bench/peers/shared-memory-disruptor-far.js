// Answers each message with one as long, or each batch with one of a byte; ends with its stdin.
import { unlinkSync } from 'node:fs'
import disruptor from 'shared-memory-disruptor'
import { job } from '../lib/far.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const { Disruptor } = disruptor
const [name, elements] = rest
const there = new Disruptor(`${name}-there`, Number(elements), size, 1, 0, false, true)
const back = new Disruptor(`${name}-back`, 2, roundTrip ? size : 1, 1, -1, false, true)
// Both sides have them: nothing is left behind, however this ends.
for (const way of ['there', 'back']) unlinkSync(`/dev/shm${name}-${way}`)
const wanted = (roundTrip ? 1 : batch) * size
for (let seen = 0; ; ) {
  const { bufs } = await there.consumeNew()
  for (const buf of bufs) seen += buf.length
  there.consumeCommit()
  for (; seen >= wanted; seen -= wanted) {
    await back.produceClaim()
    await back.produceCommit()
  }
}
