import assert from 'node:assert/strict'
import { Channel } from '../../index.js'
import { dieAfter } from './harness/steps.js'
import { within } from './harness/time.js'

const WATCHED = ['--import', new URL('harness/watch-steps.js', import.meta.url).href]
const MOST_STEPS = { gives: 60, takes: 120, passes: 200 }
const PATIENCE = 10_000
const WORDS = 5

export default {
  id: 'R1',
  campaign: 'kill',
  promise:
    'killed at any step of handing an end over, or of taking one: it works where it came to, or its other end is told of a death',
  fits: (kind) => kind.ring,
  short: 1500,

  roles: {
    async gives(_kind, context) {
      const end = Channel.fromFd(4)
      dieAfter(context.data)
      for (let i = 0; i < WORDS; i++) await end.send(`old ${i}`)
      await context.near.send('take it', { handles: [end] })
      await sendForEver(context.near)
    },
    async takes(_kind, context) {
      dieAfter(context.data)
      const envelope = await context.near.recvEnvelope()
      const [end] = envelope.takeHandles()
      for (let i = 0; i < WORDS; i++) await end.send(`old ${i}`)
      await sendForEver(context.near)
    },
    async passes(_kind, context) {
      dieAfter(context.data)
      const envelope = await context.near.recvEnvelope()
      const [end] = envelope.takeHandles()
      for (let i = 0; i < WORDS; i++) await end.send(`old ${i}`)
      await context.near.send('take it', { handles: [end] })
      await sendForEver(context.near)
    },
  },

  async run(_kind, context) {
    const { random } = context
    const figures = { kills: 0, came: 0, endsTold: 0 }
    const kinds = new Set()
    while (context.goesOn()) {
      const role = random.pick(Object.keys(MOST_STEPS))
      const [line, farLine] = Channel.pair({ capacity: 4096 })
      const [near, far] = Channel.pair({ capacity: 4096 })
      for (const channel of [line, near]) context.defer(() => channel.close())
      const gives = role === 'gives'
      const peer = context.start(role, random.integer(0, MOST_STEPS[role]), {
        end: { side: 'sender', fds: gives ? [farLine.fd, far.fd] : [farLine.fd] },
        execArgv: WATCHED,
        ends: { signal: 'SIGKILL' },
      })
      farLine.close()
      if (gives) far.close()
      else await line.send('yours', { handles: [far] })
      const told = peer.told()
      const came = await within(PATIENCE, `what becomes of the line (${role})`, taken(line))
      let next = 0
      const hear = async () => {
        for (;;) {
          const word = String(await near.recv())
          if (word === 'new') return
          assert.equal(word, `old ${next++}`)
        }
      }
      if (came === undefined) {
        // The line is still open here, with whatever has come on it.
        const lost = assert.rejects(hear(), { code: 'ERR_IPC_PEER_DIED' })
        await within(PATIENCE, `word of the lost end (${role}, ${(await told).step})`, lost)
        figures.endsTold++
      } else {
        await came.send('new')
        await within(PATIENCE, `the end that has come (${role})`, hear())
        assert.equal(next, WORDS)
        await near.send('back')
        const back = []
        while (back.at(-1) !== 'back') back.push(String(await within(PATIENCE, 'the way back', came.recv())))
        came.close()
        assert.equal(await near.recv(), null)
        figures.came++
      }
      kinds.add((await told).step)
      await peer.done()
      line.close()
      near.close()
      figures.kills++
      context.round()
    }
    return { ...figures, kindsOfSteps: String(kinds.size) }
  },
}

/** Until its step comes. @param {any} line */
async function sendForEver(line) {
  for (;;) await line.send('more')
}

/** The end that comes on a line, or undefined at its death. @param {any} line */
async function taken(line) {
  let came
  try {
    for (;;) {
      const envelope = await line.recvEnvelope()
      assert.notEqual(envelope, null, 'an end that was a death')
      const [handle] = envelope.takeHandles()
      came ??= handle
    }
  } catch (error) {
    if (error.code !== 'ERR_IPC_PEER_DIED') throw error
  }
  return came
}
