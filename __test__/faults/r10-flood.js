import assert from 'node:assert/strict'
import { pause, quantile, until } from './harness/time.js'

/** Milliseconds: the lag of a timer, of 99 in 100. */
const MOST = 20
/** Timers of each way, at the least. */
const LOOKS = 50

export default {
  id: 'R10',
  campaign: 'limits',
  promise: 'timers and everybody else have their turn under a flood of messages, however they are received',
  fits: (kind) => kind.ring,
  short: 1200,
  alone: true,

  roles: {
    /** Sends as fast as it can, until nobody takes it any more. */
    async flood(kind, context) {
      const message = kind.encode(1)
      try {
        for (;;) await context.near.send(message)
      } catch (error) {
        assert.equal(error.code, 'EPIPE')
      }
    },
  },

  async run(_kind, context) {
    const figures = { messages: 0 }
    /** @type {Record<string, (channel: any) => Promise<number>>} */
    const ways = {
      recv: async (channel) => ((await channel.recv()) === null ? 0 : 1),
      recvMany: async (channel) => (await channel.recvMany()).length,
      recvEnvelope: async (channel) => ((await channel.recvEnvelope()) === null ? 0 : 1),
      iterate: async (channel) => {
        let count = 0
        for await (const _ of channel) if (++count === 1000) break
        return count
      },
    }
    const lags = []
    await context.shareOut(Object.values(ways), async (receive) => {
      const { near, peer } = await context.meet('sender', 'flood')
      let over = false
      const receiving = (async () => {
        while (!over) figures.messages += await receive(near)
      })()
      const { messages } = figures
      await until('the flood', () => figures.messages > messages + 1000)
      for (let i = 0; i < LOOKS || context.goesOn(); i++) {
        const began = performance.now()
        await pause(2)
        lags.push(performance.now() - began - 2)
        context.round()
      }
      over = true
      await receiving
      near.close()
      await peer.done()
    })
    const p99 = quantile(lags, 0.99)
    // Others on a busy machine take their share too; half of all is their doing at most.
    assert.ok(quantile(lags, context.long ? 0.99 : 0.5) < MOST, `timers are ${p99} ms late, of 99 in 100`)
    return { ...figures, lagP50Ms: quantile(lags, 0.5).toFixed(2), lagP99Ms: p99.toFixed(2) }
  },
}
