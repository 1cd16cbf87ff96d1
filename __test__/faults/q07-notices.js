import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { Tally } from './harness/numbers.js'
import { turnFor } from './harness/time.js'

/** Milliseconds after which a message that nobody was told of is lost for good. */
const STUCK = 1000

/** The kernel drops a registration when any descriptor of the queue is closed by the process: here, over and over. */
export default {
  id: 'Q7',
  campaign: 'cancel',
  promise:
    'ask, drain, wait: whoever asks before draining is told of every message that comes after, whatever is closed',
  fits: (kind) => kind.notifies,

  async run(kind, context) {
    const { near, peer } = await context.meet('sender', 'sendNumbers', { pause: 0.3 })
    const { random } = context
    const tally = new Tally()
    const figures = { messages: 0, notices: 0, closes: 0, givenUp: 0 }
    /** @returns {boolean} whether the end has come */
    const drain = () => {
      for (;;) {
        const numbers = kind.tryRecv(near)
        if (numbers === undefined) return false
        if (numbers === null) return true
        tally.add(numbers)
      }
    }
    let stopped = false
    for (let ended = false; !ended; ) {
      if (!stopped && !context.goesOn()) {
        peer.say('stop')
        stopped = true
      }
      const asked = Array.from({ length: random.integer(1, 3) }, () => near.notify({ timeout: 10 * STUCK }))
      const hasty = random.chance(0.2) ? near.notify({ timeout: random.float() }) : undefined
      hasty?.catch(() => figures.givenUp++)
      ended = drain()
      if (random.chance(0.5)) {
        if (random.chance(0.5)) near.dup().close()
        else closeSync(near.dup().detach())
        figures.closes++
      }
      if (random.chance(0.2)) await turnFor(random.float() * 0.3)
      const began = performance.now()
      if (ended) near.close()
      const outcomes = await Promise.allSettled(asked)
      if (ended) break
      for (const { reason } of outcomes) assert.ifError(reason)
      assert.ok(performance.now() - began < STUCK, 'a message has come and nobody was told')
      figures.notices += asked.length
      context.round()
    }
    assert.equal(tally.count, await peer.done(), 'what was received is not what was sent')
    figures.messages = tally.count
    return figures
  },
}
