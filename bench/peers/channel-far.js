// Answers each message with one as long, or each batch with a short one, until the other side has gone.

import { whole } from '../../bundle.js'
import { Channel } from '../../index.js'
import { senders, takers } from '../lib/channels.js'
import { job } from '../lib/far.js'

const { roundTrip, size, batch, rest } = job()
const [form, codec = 'bytes', , spin] = rest
if (spin === 'never') {
  const { inside } = await import(whole.href)
  inside['channel/spin.js'].Spin.prototype.until = () => false
}
const channel = Channel.fromFd(3)
const answer = senders(channel, roundTrip ? size : 1, codec)[form]
const messages = takers(channel, size, roundTrip ? 1 : batch)[form]

if (form === 'sync') while (messages()) answer(1)
else while (await messages()) await answer(1)
process.exit()
