import assert from 'node:assert/strict'
import { Channel, ChannelListener } from '../../index.js'
import { dieAfter } from './harness/steps.js'
import { within } from './harness/time.js'

const WATCHED = ['--import', new URL('harness/watch-steps.js', import.meta.url).href]
const MOST_STEPS = 150
const PATIENCE = 10_000
const options = { capacity: 4096 }

/** Answers until the other side is gone. @param {any} channel */
async function answer(channel) {
  try {
    for await (const message of channel) await channel.send(message)
  } catch (error) {
    if (error.code !== 'ERR_IPC_PEER_DIED') throw error
  }
  channel.close()
}

export default {
  id: 'R1',
  campaign: 'kill',
  promise:
    'killed at any step of the handshake, at either side: the other one is told, and the next handshake succeeds',
  fits: (kind) => kind.ring,
  short: 1500,

  roles: {
    async connects(_kind, context) {
      const { address, after } = context.data
      dieAfter(after)
      const channel = await Channel.connect(address)
      for (;;) {
        await channel.send('hello')
        await channel.recv()
      }
    },
    async listens(_kind, context) {
      const { address, after } = context.data
      const listener = ChannelListener.listen(address, options)
      context.tell('listens')
      dieAfter(after)
      for await (const channel of listener) answer(channel)
    },
  },

  async run(_kind, context) {
    const figures = { kills: 0 }
    const kinds = new Set()
    await context.shareOut([connecting, listening], async (part) => {
      while (context.goesOn()) {
        kinds.add(await part(context))
        figures.kills++
        context.round()
      }
    })
    return { ...figures, kindsOfSteps: String(kinds.size) }
  },
}

/** @param {any} context */
async function connecting(context) {
  const address = context.path()
  const listener = ChannelListener.listen(address, options)
  context.defer(() => listener.close())
  /** @type {Promise<void>[]} */
  const answers = []
  const accepting = (async () => {
    for await (const channel of listener) answers.push(answer(channel))
  })()
  const data = { address, after: context.random.integer(0, MOST_STEPS) }
  const peer = context.start('connects', data, { execArgv: WATCHED, ends: { signal: 'SIGKILL' } })
  const { step } = await within(PATIENCE, 'the death', peer.told())
  await peer.done()
  const next = await within(PATIENCE, 'the next one to connect', Channel.connect(address))
  await next.send('next')
  assert.equal(String(await within(PATIENCE, 'the next answer', next.recv())), 'next')
  next.close()
  await within(PATIENCE, `the end of all (${step})`, Promise.all(answers))
  listener.close()
  await accepting
  return step
}

/** @param {any} context */
async function listening(context) {
  const address = context.path()
  const data = { address, after: context.random.integer(0, MOST_STEPS) }
  const peer = context.start('listens', data, { execArgv: WATCHED, ends: { signal: 'SIGKILL' } })
  assert.equal(await peer.told(), 'listens')
  const connected = async () => {
    const channel = await Channel.connect(address)
    context.defer(() => channel.close())
    for (;;) {
      await channel.send('hello')
      assert.equal(String(await channel.recv()), 'hello')
    }
  }
  const codes = ['ERR_IPC_PEER_DIED', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE']
  await within(
    PATIENCE,
    'word of the death',
    assert.rejects(connected(), (error) => codes.includes(error.code)),
  )
  const { step } = await peer.told()
  await peer.done()
  const listener = ChannelListener.listen(address, { ...options, onStale: 'replace' })
  context.defer(() => listener.close())
  const accepting = listener.accept()
  const next = await within(PATIENCE, 'the next one to listen', Channel.connect(address))
  const far = await accepting
  await far.send('next')
  assert.equal(String(await next.recv()), 'next')
  for (const handle of [listener, next, far]) handle.close()
  return step
}
