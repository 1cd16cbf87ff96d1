// Answers each message with one as long, or each batch with one byte.
import { job } from '../lib/far.js'
import { onBytes } from '../lib/stream.js'

const { roundTrip, size, batch } = job()
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
onBytes(process.stdin, roundTrip ? size : size * batch, () => process.stdout.write(answer))
