import assert from 'node:assert/strict'
import { inOrder, Tally } from './harness/numbers.js'

const MANY = 64

export default {
  id: 'G3',
  campaign: 'cancel',
  fits: (kind) => kind.another !== undefined && !kind.once,
  promise: 'close settles each of 64 pending receives once and takes no message; a new handle gets all that follow',

  roles: {
    /** Sends 64 messages each time it is told. */
    async send64(kind, context) {
      for (let next = 0; await context.heard(); next += MANY) {
        for (let i = 0; i < MANY; i++) await kind.send(context.near, kind.encode(next + i))
      }
      context.near.close()
    },
  },

  async run(kind, context) {
    const { near, peer } = await context.meet('sender', 'send64')
    const tally = new Tally()
    let current = near
    while (context.goesOn()) {
      const next = kind.another(current)
      const outcomes = []
      const ways = Object.values(kind.receives)
      let settled = 0
      const pending = Array.from({ length: MANY }, async (_, place) => {
        try {
          const options = context.random.chance(0.3) ? { timeout: 60_000 } : {}
          outcomes[place] = { value: await context.random.pick(ways)(current, options) }
        } catch (error) {
          outcomes[place] = { code: error.code }
        }
        settled++
      })
      // At once, with the messages on their way already or with none at all.
      const early = context.random.chance(0.5)
      if (early) peer.say(true)
      if (context.random.chance(0.5)) await new Promise(setImmediate)
      current.close()
      await Promise.all(pending)
      assert.equal(settled, MANY)
      const values = outcomes.filter(({ value }) => value !== undefined).flatMap(({ value }) => value ?? [])
      const received = inOrder(kind, values)
      // An iteration ends quietly, everything else says that the handle is closed.
      for (const { value, code } of outcomes) if (value === undefined) assert.equal(code, 'ERR_IPC_CLOSED')
      if (!early) assert.equal(received.length, 0)
      if (!early) peer.say(true)
      tally.add(received)
      for (let left = MANY - received.length; left > 0; ) {
        const numbers = await kind.receives.recv(next, { timeout: 5000 })
        left -= numbers.length
        tally.add(numbers)
      }
      assert.equal(tally.last + 1, tally.count, 'one is missing')
      current = next
      context.round()
    }
    peer.say(false)
    if (kind.ends !== false) assert.equal(await kind.receives.recv(current, { timeout: 5000 }), null)
    else assert.equal(kind.tryRecv(current), undefined)
    current.close()
    await peer.done()
    return { races: context.rounds * MANY, messages: tally.count }
  },
}
