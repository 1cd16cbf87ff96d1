// A channel of os-ipc, one end here and the other there. The form says how both sides wait: awaited, or sync, which
// blocks the thread.

import { whole } from '../../bundle.js'
import { Channel } from '../../index.js'
import { senders, takers } from '../lib/channels.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { roundTrip, size, batch, rest } = job()
const [form, codec = 'bytes', capacity = 0, spin] = rest
if (spin === 'never') {
  const { inside } = await import(whole.href)
  inside['channel/spin.js'].Spin.prototype.until = () => false
}
const options = { codec: /** @type {any} */ (codec), ...(Number(capacity) > 0 ? { capacity: Number(capacity) } : {}) }
const [channel, there] = Channel.pair(options)
spawnFar('channel-far.js', process.argv.slice(2), { stdio: ['ignore', 'ignore', 'inherit', there.fd] })
there.close()

const send = senders(channel, size, codec)[form]
const answered = takers(channel, roundTrip ? size : 1, 1)[form]

await serve(
  form === 'sync'
    ? () => {
        send(batch)
        answered()
      }
    : async () => {
        await send(batch)
        await answered()
      },
)
