// svmq: two queues under keys of this process's own.
import { promisify } from 'node:util'
import svmq from 'svmq'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch } = job()
const keys = [2 * process.pid, 2 * process.pid + 1]
// Its own word for 0o600.
const [there, back] = keys.map((key) => svmq.open(key, 0x600))
process.on('exit', () => {
  for (const queue of [there, back]) queue.close()
})
spawnFar('svmq-far.js', [...process.argv.slice(2), ...keys], { stdio: ['ignore', 'ignore', 'inherit'] })
const push = promisify(there.push.bind(there))
const pop = promisify(back.pop.bind(back))
const message = Buffer.alloc(size, 7)

await serve(async () => {
  for (let index = 0; index < batch; index += 1) await push(message)
  await pop()
})
