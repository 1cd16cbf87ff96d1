// node-ipc: a server and a client with its ordinary JSON events.
import ipc from 'node-ipc'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { size, batch } = job()
const path = `${process.env.BENCH_DIRECTORY}/node-ipc-${process.pid}.sock`
ipc.config.silent = true
const bell = new Bell()
const hello = bell.next()
/** @type {unknown} */
let socket
ipc.serve(path, () => {
  ipc.server.on('answer', (/** @type {unknown} */ _data, /** @type {unknown} */ from) => {
    socket = from
    bell.ring()
  })
})
ipc.server.start()
spawnFar('node-ipc-far.js', [...process.argv.slice(2), path], { stdio: ['pipe', 'ignore', 'inherit'] })
await hello
const message = 'x'.repeat(size)

await serve(async () => {
  const answered = bell.next()
  for (let index = 0; index < batch; index += 1) ipc.server.emit(socket, 'message', message)
  await answered
})
