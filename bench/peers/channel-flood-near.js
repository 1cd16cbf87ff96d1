// How late timers are while messages come without end: SIZE FORM. For each N on stdin, the lateness of N timers.
import { Channel } from '../../index.js'
import { spawnFar } from '../lib/far.js'
import { serveFigures } from '../lib/near.js'

const [size, form] = process.argv.slice(2)
const [channel, there] = Channel.pair()
spawnFar('channel-flood-far.js', [size], { stdio: ['ignore', 'ignore', 'inherit', there.fd] })
there.close()
let received = 0

async function take() {
  if (form === 'many') for (;;) received += (await channel.recvMany()).length
  for await (const message of channel) received += message.length > 0 ? 1 : 0
}

take()
await serveFigures(async (count) => {
  const before = received
  const ns = []
  for (let index = 0; index < count; index += 1) {
    const due = process.hrtime.bigint() + 5_000_000n
    await new Promise((resolve) => setTimeout(resolve, 5))
    ns.push(Math.max(0, Number(process.hrtime.bigint() - due)))
  }
  // On a busy machine it may not have begun.
  while (received === before) await new Promise((resolve) => setTimeout(resolve, 5))
  return { ns }
})
