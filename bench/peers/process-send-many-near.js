// process.send of each message to each of several children.
import { once } from 'node:events'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { size, batch, rest } = job()
const serialization = /** @type {'json' | 'advanced'} */ (rest[1])
const words = ['throughput', size, batch, serialization]
const bell = new Bell()
let missing = 0
/** @type {import('node:child_process').ChildProcess[]} */
const children = []
for (let index = 0; index < Number(rest[0]); index += 1) {
  const stdio = /** @type {import('node:child_process').StdioOptions} */ (['ignore', 'ignore', 'inherit', 'ipc'])
  const child = spawnFar('process-send-far.js', words, { stdio, serialization })
  await once(child, 'message')
  child.on('message', () => {
    missing -= 1
    if (missing === 0) bell.ring()
  })
  children.push(child)
}
const message = serialization === 'json' ? 'x'.repeat(size) : Buffer.alloc(size, 7)

await serve(async () => {
  missing = children.length
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) {
    for (const child of children) {
      const room = new Bell()
      const flowing = child.send(message, () => room.ring())
      if (!flowing) await room.next()
    }
  }
  await answered
})
