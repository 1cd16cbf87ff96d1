// Endpoints of os-ipc: messages by pid.
import { Endpoint } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch } = job()
const near = Endpoint.open()
const far = spawnFar('endpoint-far.js', process.argv.slice(2), { stdio: ['ignore', 'ignore', 'inherit'] })
const message = Buffer.alloc(size, 7)
const wanted = roundTrip ? size : 1

await serve(async () => {
  for (let index = 0; index < batch; index += 1) await near.send(far.pid, message)
  for (let seen = 0; seen < wanted; ) seen += (await near.recv()).data.length
})
