import assert from 'node:assert/strict'
import { quantile, turnFor, within } from './harness/time.js'

/** Milliseconds. A machine that is busy may keep a process from running for a while; a wake-up that is lost never comes. */
const PATIENCE = 5_000

export default {
  id: 'R7',
  campaign: 'limits',
  promise: 'who sleeps is woken by what comes: no round trip gets stuck, however both sides pause',
  fits: (kind) => kind.ring,
  short: 800,

  roles: {
    /** Gives back what comes, after a pause as chance has it, and sleeps in every way. */
    async echo(_kind, context) {
      const { near: channel, random } = context
      const ways = [() => channel.recv(), () => channel.recvSync(), async () => (await channel.recvMany({ max: 1 }))[0]]
      for (;;) {
        const message = await random.pick(ways)()
        if (message === null || message === undefined) break
        await pauseOf(random)
        if (random.chance(0.5)) channel.sendSync(message)
        else await channel.send(message)
      }
    },
  },

  async run(kind, context) {
    const { random } = context
    const { near, peer } = await context.meet('receiver', 'echo')
    const times = []
    for (let i = 0; context.goesOn(); i++) {
      const message = kind.encode(i)
      await pauseOf(random)
      const began = performance.now()
      if (random.chance(0.5)) near.sendSync(message)
      else await near.send(message)
      const answer = random.chance(0.3)
        ? near.recvSync({ timeout: PATIENCE })
        : await within(PATIENCE, `the answer ${i}`, near.recv())
      times.push(performance.now() - began)
      assert.deepEqual(kind.decode(answer), [i])
      context.round()
    }
    near.close()
    await peer.done()
    return { roundTrips: times.length, p99Ms: quantile(times, 0.99).toFixed(2), slowestMs: Math.max(...times) }
  },
}

/** None, a few microseconds, or until everybody is surely asleep. @param {import('./harness/random.js').Random} random */
async function pauseOf(random) {
  const how = random.integer(0, 9)
  if (how < 5) return
  if (how === 9) await turnFor(random.float() * 2)
  else for (let left = random.integer(0, 3_000); left > 0; left--);
}
