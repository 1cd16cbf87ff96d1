// Unix sockets of os-ipc, a pair. The form says how both sides take: one by one (recv), many by one call (many), or
// blocking (sync). With fds each message carries a descriptor.
import { closeSync, openSync } from 'node:fs'
import { UnixSocket } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch, rest } = job()
const [type, form] = rest
const [near, far] = UnixSocket.pair(type)
spawnFar('unix-socket-far.js', process.argv.slice(2), { stdio: ['ignore', 'ignore', 'inherit', far.fd] })
far.close()
const message = Buffer.alloc(size, 7)
const wanted = roundTrip ? size : 1
const MANY = 64

const sends = {
  async one() {
    for (let index = 0; index < batch; index += 1) await near.send(message)
  },
  async many() {
    for (let index = 0; index < batch; index += MANY) {
      await near.sendMany(new Array(Math.min(MANY, batch - index)).fill(message))
    }
  },
  async fds() {
    const fd = openSync('/dev/null')
    for (let index = 0; index < batch; index += 1) await near.send(message, { fds: [fd] })
    closeSync(fd)
  },
}

await serve(
  form === 'sync'
    ? () => {
        for (let index = 0; index < batch; index += 1) near.sendSync(message)
        for (let seen = 0; seen < wanted; ) seen += near.recvSync().data.length
      }
    : async () => {
        await sends[form === 'recv' || form === 'large' || form === 'into' ? 'one' : form]()
        for (let seen = 0; seen < wanted; ) seen += (await near.recv()).data.length
      },
)
