// The other process of a row. Its one argument is JSON: { transport, file, details }.
import { createSink } from './sink.js'
import { transports } from './transports/index.js'

const { transport, file, details } = JSON.parse(process.argv[2])
const { ours, receive } = /** @type {import('./transports/index.js').Transport} */ (
  transports.find(({ name }) => name === transport)
)
const sink = createSink(file)
// Before the clock starts: what a row's first import of it would cost has nothing to do with transport.
if (ours) await import('../../index.js')
// Without a sender there is nothing to wait for.
process.once('disconnect', () => process.exit(1))

process.send?.({ ready: true })
const began = process.hrtime.bigint()
await receive(sink, details)
const ended = process.hrtime.bigint()

const result = { began: String(began), ended: String(ended), ...sink.finish() }
if (process.send) process.send({ result }, () => process.exit())
else process.stdout.write(JSON.stringify(result))
