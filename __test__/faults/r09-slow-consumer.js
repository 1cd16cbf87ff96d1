import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { resident } from './harness/proc.js'
import { pause, within } from './harness/time.js'

/** Bytes by which two looks at a process may differ anyway. */
const SLACK = 24 * 2 ** 20
const SIZE = 1000

export default {
  id: 'R9',
  campaign: 'limits',
  promise:
    'a receiver that is stopped costs its sender no memory: send waits, trySend says so, and both go on afterwards',
  fits: (kind) => kind.ring,
  short: 1200,

  roles: {
    /** Takes everything, and counts it. */
    async count(_kind, context) {
      const { near } = context
      let [messages, wrong] = [0, 0]
      for await (const message of near) if (message.readUInt32LE() !== messages++) wrong++
      return { messages, wrong }
    },
  },

  async run(_kind, context) {
    const { near, peer } = await context.meet('receiver', 'count')
    const figures = { messages: 0, refusals: 0, stops: 0, growthBytes: 0 }
    const message = Buffer.alloc(SIZE)
    const next = () => {
      message.writeUInt32LE(figures.messages)
      return message
    }
    for (let i = 0; i < 10_000; i++, figures.messages++) await near.send(next())
    const before = resident()
    while (context.goesOn()) {
      peer.kill('SIGSTOP')
      const until = performance.now() + 150
      while (performance.now() < until) {
        if (near.trySend(next())) figures.messages++
        else figures.refusals++
      }
      let settled = false
      const waiting = near.send(next()).then(() => {
        settled = true
      })
      await pause(10)
      assert.equal(settled, false, 'there is room in a ring that nobody reads')
      peer.kill('SIGCONT')
      await within(10_000, 'the send that waited', waiting)
      figures.messages++
      for (let i = 0; i < 1000; i++, figures.messages++) await near.send(next())
      figures.stops++
      context.round()
    }
    const growth = resident() - before
    assert.ok(growth < SLACK, `${growth} bytes more`)
    assert.ok(figures.refusals > 0)
    await near.end()
    assert.deepEqual(await peer.done(), { messages: figures.messages, wrong: 0 })
    return { ...figures, growthBytes: Math.max(0, growth) }
  },
}
