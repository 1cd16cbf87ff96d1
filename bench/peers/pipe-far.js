// Answers each message with one as long, or each batch with one byte, until the writer has gone.
import { Fifo, PipeReader, PipeWriter } from '../../index.js'
import { job } from '../lib/far.js'
import { takers } from '../lib/forms.js'

const { roundTrip, size, batch, rest } = job()
const [kind, form, , there, back] = rest
const [reader, writer] =
  kind === 'fifo'
    ? await Promise.all([Fifo.at(there).openReader(), Fifo.at(back).openWriter()])
    : [PipeReader.fromFd(3), PipeWriter.fromFd(4)]
const answer = Buffer.alloc(roundTrip ? size : 1, 7)
const messages = takers(reader, roundTrip ? size : size * batch, Math.max(size, 65_536))

if (form === 'sync') while (messages.sync()) writer.sendSync(answer)
else if (form === 'into') while (await messages.into()) await writer.send(answer)
else while (await messages.recv()) await writer.send(answer)
process.exit()
