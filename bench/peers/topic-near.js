// A topic with as many subscribers as asked, each a process.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Topic } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { size, batch, rest } = job()
const [count, form] = rest
const folder = mkdtempSync(join(tmpdir(), 'os-ipc-bench-topic-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'topic')
const topic = Topic.open(path)
const bell = new Bell()
let missing = 0
for (let index = 0; index < Number(count); index += 1) {
  const child = spawnFar('topic-far.js', [...process.argv.slice(2), path], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  child.on('message', () => {
    missing -= 1
    if (missing === 0) bell.ring()
  })
}
const message = Buffer.alloc(size, 7)

await serve(async () => {
  missing = Number(count)
  const answered = bell.next()
  if (form === 'sync') for (let index = 0; index < batch; index += 1) topic.publishSync(message)
  else for (let index = 0; index < batch; index += 1) await topic.publish(message)
  await answered
})
