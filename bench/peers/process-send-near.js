// process.send, with either serialization: a string for json, a Buffer for advanced.
import { once } from 'node:events'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { size, batch, rest } = job()
const serialization = /** @type {'json' | 'advanced'} */ (rest[0])
const child = spawnFar('process-send-far.js', process.argv.slice(2), {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  serialization,
})
await once(child, 'message')
const message = serialization === 'json' ? 'x'.repeat(size) : Buffer.alloc(size, 7)
const bell = new Bell()
child.on('message', () => bell.ring())

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) {
    const room = new Bell()
    const flowing = child.send(message, () => room.ring())
    if (!flowing) await room.next()
  }
  await answered
})
