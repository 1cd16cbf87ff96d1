import assert from 'node:assert/strict'
import { Tally } from './harness/numbers.js'

export default {
  id: 'P2',
  campaign: 'kill',
  promise: 'when the last sender has gone, what it sent comes first, then one end, for every waiter and for ever after',
  fits: (kind) => kind.stream && kind.another !== undefined,

  async run(kind, context) {
    const figures = { messages: 0, endsSeen: 0 }
    const { random } = context
    while (context.goesOn()) {
      const away = random.chance(0.05)
      const many = random.integer(0, 12)
      const met = away ? await context.meet('sender', 'sendNumbers', { count: many }) : undefined
      const ends = met ? { receiver: met.near, close: () => met.near.close() } : await kind.open(context)
      const another = !away && random.chance(0.3) ? kind.another(ends.sender) : undefined
      const ways = Object.values(kind.receives)
      const receive = () => random.pick(ways)(ends.receiver, random.chance(0.3) ? { timeout: 10_000 } : {})
      const early = Array.from({ length: random.integer(0, 20) }, receive)
      if (!away) {
        for (let i = 0; i < many; i++) assert.ok(kind.trySend(another && i % 2 ? another : ends.sender, kind.encode(i)))
        ends.sender.close()
        if (random.chance(0.5)) await new Promise(setImmediate)
        // Not the last one yet.
        if (another !== undefined && random.chance(0.5)) {
          early.push(receive())
          await new Promise(setImmediate)
        }
        another?.close()
      }
      const tally = new Tally()
      let ended = false
      for (const wait of [...early, ...Array.from({ length: many + 2 }, receive)]) {
        const numbers = await wait
        if (numbers === null) {
          ended = true
          figures.endsSeen++
        } else {
          assert.equal(ended, false, 'a message after the end')
          tally.add(numbers)
        }
      }
      assert.equal(tally.count, many)
      assert.ok(ended)
      assert.equal(kind.tryRecv(ends.receiver), null)
      assert.equal(kind.recvSync(ends.receiver, { timeout: 0 }), null)
      assert.equal(await kind.receives.recv(ends.receiver, { timeout: 0 }), null)
      assert.equal(await met?.peer.done(), away ? many : undefined)
      figures.messages += many
      ends.close()
      context.round()
    }
    return figures
  },
}
