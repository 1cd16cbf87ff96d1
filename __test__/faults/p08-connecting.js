import assert from 'node:assert/strict'
import { Channel, ChannelListener, UnixListener, UnixSocket } from '../../index.js'
import { aborts } from './g04-abort-races.js'
import { timeouts } from './g05-timeout-races.js'
import { descriptorList, descriptors } from './harness/proc.js'
import { until, within } from './harness/time.js'

const PATIENCE = 10_000

const CLASSES = {
  'unix-listener': {
    listen: (address) => UnixListener.listen(address, { type: 'seqpacket' }),
    connect: (address, options) => UnixSocket.connect(address, { type: 'seqpacket', ...options }),
    /** Whoever has given up afterwards. */
    gone: ['EPIPE', 'ECONNRESET'],
  },
  'channel-listener': {
    listen: (address) => ChannelListener.listen(address, { capacity: 4096 }),
    connect: (address, options) => Channel.connect(address, options),
    gone: ['EPIPE', 'ECONNRESET', 'ERR_IPC_PEER_DIED'],
  },
}

export default {
  id: 'P8',
  campaign: 'cancel',
  looks: ['channel-listener'],
  promise:
    'connecting and accepting are given up at any moment: who is connected at both sides talks, and no descriptor is left of the others',
  fits: (kind) => kind.name in CLASSES,
  short: 800,

  async run(kind, context) {
    const { listen, connect, gone } = CLASSES[kind.name]
    const { random } = context
    const figures = { races: 0, connected: 0, accepted: 0, givenUp: 0 }
    const address = context.path()
    const listener = listen(address)
    /** @type {number | undefined} */
    let before
    const orGivenUp = async (begin, ending) => {
      const { options, gaveUp } = ending.begin(random)
      try {
        return await begin(options)
      } catch (error) {
        if (!gaveUp(error)) throw error
        figures.givenUp++
        return undefined
      }
    }
    const ending = () => random.pick([aborts, timeouts])
    while (context.goesOn()) {
      const many = random.integer(1, 4)
      const connecting = Array.from({ length: many }, () => orGivenUp((options) => connect(address, options), ending()))
      const accepting = Array.from({ length: many }, () => orGivenUp((options) => listener.accept(options), ending()))
      const [clients, servers] = await within(
        PATIENCE,
        'all to settle',
        Promise.all([Promise.all(connecting), Promise.all(accepting)]),
      )
      figures.races += 2 * many
      figures.connected += clients.filter((one) => one !== undefined).length
      figures.accepted += servers.filter((one) => one !== undefined).length
      for (const end of [...clients, ...servers]) end?.close()
      // Whoever nobody has accepted is gone as well.
      for (let left = listener.tryAccept(); left !== undefined; left = listener.tryAccept()) left.close()
      if (random.chance(0.1)) await exchange(listener, connect(address, { timeout: PATIENCE }), gone)
      before ??= descriptors()
      context.round()
    }
    await until('the descriptors are closed', () => descriptors() <= (before ?? 0), 3000).catch(() => {})
    assert.ok(descriptors() <= (before ?? 0) + 2, descriptorList().join(', '))
    listener.close()
    return figures
  },
}

/** A word, to whoever is not one of those who have given up. */
async function exchange(listener, connecting, gone) {
  const accepted = []
  const accepting = (async () => {
    for (;;) {
      const server = await listener.accept({ timeout: PATIENCE })
      accepted.push(server)
      try {
        await server.send('word')
        const answer = await server.recv({ timeout: PATIENCE })
        if (answer !== null) return String(answer.data ?? answer)
      } catch (error) {
        if (!gone.includes(error.code)) throw error
      }
    }
  })()
  const client = await connecting
  const word = await client.recv({ timeout: PATIENCE })
  assert.equal(String(word.data ?? word), 'word')
  await client.send('back')
  assert.equal(await within(PATIENCE, 'the answer', accepting), 'back')
  for (const end of [client, ...accepted]) end.close()
}
