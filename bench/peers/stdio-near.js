// Child stdio pipes, Node's own: node:child_process with stdio 'pipe', no framing.
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell, onBytes, write } from '../lib/stream.js'

const { roundTrip, size, batch } = job()
const child = spawnFar('stdio-far.js', process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] })
const { stdin, stdout } = /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */ (child)
const message = Buffer.alloc(size, 7)
const bell = new Bell()
onBytes(stdout, roundTrip ? size : 1, () => bell.ring())

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) {
    const patience = write(stdin, message)
    if (patience) await patience
  }
  await answered
})
