// Pipes and FIFOs of os-ipc. The form says how both sides wait: recv and into are awaited, sync blocks the thread.
import { Fifo, pipe } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { takers } from '../lib/forms.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch, rest } = job()
const [kind, form, capacity] = rest
const { reader, writer } = await (kind === 'fifo' ? openFifos() : openPipes())
const message = Buffer.alloc(size, 7)
const answer = takers(reader, roundTrip ? size : 1)

await serve(
  form === 'sync'
    ? () => {
        for (let index = 0; index < batch; index += 1) writer.sendSync(message)
        answer.sync()
      }
    : async () => {
        for (let index = 0; index < batch; index += 1) await writer.send(message)
        await answer[form === 'into' ? 'into' : 'recv']()
      },
)

async function openPipes() {
  const there = pipe({ capacity: Number(capacity) })
  const back = pipe({ capacity: Number(capacity) })
  spawnFar('pipe-far.js', process.argv.slice(2), {
    stdio: ['ignore', 'ignore', 'inherit', there.reader.fd, back.writer.fd],
  })
  there.reader.close()
  back.writer.close()
  return { reader: back.reader, writer: there.writer }
}

async function openFifos() {
  const path = `${process.env.BENCH_DIRECTORY}/fifo-${process.pid}`
  const there = Fifo.create(`${path}-there`)
  const back = Fifo.create(`${path}-back`)
  spawnFar('pipe-far.js', [...process.argv.slice(2), there.path, back.path], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [writer, reader] = await Promise.all([there.openWriter(), back.openReader()])
  return { reader, writer }
}
