import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Progress, progressOf } from './harness/progress.js'
import { turnFor, within } from './harness/time.js'

export default {
  id: 'K1',
  campaign: 'kill',
  promise:
    'a sender killed at any moment: all that its sends have settled for arrives, whole and in order, then the end',
  fits: (kind) => kind.stream,
  short: 800,

  roles: {
    /** Sends numbers for ever, some in messages that go in several pieces. */
    async sendAndTell(kind, context) {
      const progress = new Progress(context.data)
      for (let next = 0; ; ) {
        const most = kind.divides && context.random.chance(0.1) ? 20_000 : 64
        const count = kind.batches ? context.random.integer(1, most) : 1
        await kind.send(context.near, kind.encode(next, count))
        next += count
        progress.add(next)
        if (context.random.chance(0.01)) await turnFor(context.random.float())
      }
    },
  },

  async run(kind, context) {
    const figures = { kills: 0, messages: 0, beyondSettled: 0 }
    while (context.goesOn()) {
      const path = context.path()
      writeFileSync(path, '')
      const { near, peer } = await context.meet('sender', 'sendAndTell', path, { ends: { signal: 'SIGKILL' } })
      const ways = Object.values(kind.receives)
      let [next, ended] = [0, false]
      /** Some say that it was no end. @param {any} error */
      const ofDeath = (error) => {
        if (kind.gone?.includes(error.code)) return null
        throw error
      }
      const receiving = (async () => {
        while (!ended) {
          // Several wait, and all of them are to hear of the end.
          const waits = Array.from({ length: context.random.integer(1, 3) }, () =>
            context.random.pick(ways)(near, kind.much).catch(ofDeath),
          )
          for (const numbers of await Promise.all(waits)) {
            if (numbers === null) {
              ended = true
              continue
            }
            assert.equal(ended, false, 'a message after the end')
            for (const number of numbers) assert.equal(number, next++, 'lost, or out of order')
          }
        }
      })()
      if (context.random.chance(0.9)) while (next === 0) await turnFor(0)
      await turnFor(context.random.float() * 20)
      peer.kill('SIGKILL')
      await within(10_000, 'the end after the kill', receiving)
      await peer.done()
      const settled = progressOf(path).at(-1) ?? 0
      assert.ok(next >= settled, `${settled} were sent for certain, ${next} have come`)
      near.close()
      figures.kills++
      figures.messages += next
      figures.beyondSettled += next - settled
      context.round()
    }
    return figures
  },
}
