import assert from 'node:assert/strict'
import { Channel, rpc, UnixListener, UnixSocket } from '../../index.js'
import { aborts } from './g04-abort-races.js'
import { timeouts } from './g05-timeout-races.js'
import { turnFor, within } from './harness/time.js'

const SOON = 0.3
const PATIENCE = 10_000

/** What calls can go over: what is served, and what the client gets. */
const LINES = {
  channel() {
    const [here, there] = Channel.pair({ capacity: 65_536 })
    return { served: there, connected: async () => here }
  },
  packets: (context) => socket(context, 'seqpacket'),
  bytes: (context) => socket(context, 'stream'),
}

function socket(context, type) {
  const address = context.path()
  return {
    served: UnixListener.listen(address, { type }),
    connected: () => UnixSocket.connect(address, { type }),
  }
}

export default {
  id: 'R11',
  campaign: 'cancel',
  promise: 'a call that is given up at about the moment of its answer settles once, and no other call gets that answer',
  fits: (kind) => kind.name === 'rpc',
  short: 800,

  run: (_kind, context) =>
    context.shareOut(
      Object.values(LINES).flatMap((line) => [aborts, timeouts].map((ending) => ({ line, ending }))),
      (part) => race(context, part),
    ),
}

/** @param {import('./harness/context.js').Context} context */
async function race(context, { line, ending }) {
  const { random } = context
  const figures = { races: 0, answered: 0, givenUp: 0 }
  const { served, connected } = line(context)
  const called = new Set()
  const server = rpc.serve(served, {
    async echo(number) {
      called.add(number)
      if (random.chance(0.5)) await turnFor(random.float() * SOON)
      return number
    },
    async *count([first, many]) {
      for (let i = 0; i < many; i++) {
        if (random.chance(0.2)) await turnFor(random.float() * SOON)
        yield first + i
      }
    },
  })
  const client = await rpc.connect(await connected())
  let next = 0
  const ways = {
    async call(number, options) {
      assert.equal(await client.call('echo', number, options), number, 'the answer to another call')
      assert.ok(called.has(number), 'an answer without a call')
    },
    async batch(number, options) {
      const [one, two] = await client.batch(
        [
          ['echo', number],
          ['echo', number + 0.5],
        ],
        options,
      )
      for (const { reason } of [one, two]) if (reason !== undefined) throw reason
      assert.deepEqual([one.value, two.value], [number, number + 0.5], 'the answers to other calls')
    },
    async stream(number, options) {
      let last = number - 1
      for await (const value of client.stream('count', [number, 5], options)) {
        assert.equal(value, last + 1, 'an item of another stream, or out of order')
        last = value
      }
      assert.equal(last, number + 4, 'items are missing')
    },
  }
  while (context.goesOn()) {
    const calls = Array.from({ length: random.integer(1, 6) }, async () => {
      const { options, gaveUp } = ending.begin(random)
      next += 10
      try {
        await random.pick(Object.values(ways))(next, options)
        figures.answered++
      } catch (error) {
        if (!gaveUp(error)) throw error
        figures.givenUp++
      }
    })
    await within(PATIENCE, 'the calls', Promise.all(calls))
    figures.races += calls.length
    context.round()
  }
  // None of those that were given up stands in the way.
  assert.equal(await within(PATIENCE, 'the last call', client.call('echo', -1)), -1)
  client.close()
  server.close()
  return figures
}
