// Answers each message with one as long, or each batch with one of a byte; ends with its stdin.
import shm from 'shm-typed-array'
import { job } from '../lib/far.js'
import { Slots } from '../lib/slots.js'

process.stdin.on('end', () => process.exit()).resume()
const { roundTrip, size, batch, rest } = job()
const [there, back] = rest.map((key) => /** @type {any} */ (shm.get(Number(key), 'Buffer')))
const incoming = new Slots(there, size)
const outgoing = new Slots(back, roundTrip ? size : 1)
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
for (;;) {
  for (let seen = 0; seen < (roundTrip ? 1 : batch); seen += 1) await incoming.receive()
  await outgoing.send(answer)
}
