import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { turnFor } from './harness/time.js'

const MANY = 64
const SIZE = 1 << 20

export default {
  id: 'P4',
  campaign: 'limits',
  promise: '64 sends at once of 1 MiB to a slow receiver arrive whole and in order; sending waits for room',
  fits: (kind) => kind.divides,
  short: 600,

  roles: {
    /** Receives slowly; gives the hash of all that came. */
    async hash(_kind, context) {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const data of context.near.iterate({ maxBytes: 200_000 })) {
        hash.update(data)
        bytes += data.length
        if (context.random.chance(0.02)) await turnFor(context.random.float() * 2)
      }
      return { bytes, sha256: hash.digest('hex') }
    },
  },

  async run(_kind, context) {
    const figures = { bytes: 0 }
    while (context.goesOn()) {
      const { near, peer } = await context.meet('receiver', 'hash')
      const size = context.long ? SIZE : SIZE / 4
      const hash = createHash('sha256')
      const order = []
      const data = Buffer.alloc(size)
      const sends = Array.from({ length: MANY }, (_, i) => {
        // One and the same memory for all: what is sent is what it was at the call.
        data.fill(context.random.integer(0, 255)).writeUInt32LE(i)
        hash.update(data)
        return near.send(data).then(() => order.push(i))
      })
      // Nothing is written that there is no room for.
      assert.equal(near.trySend(data), 0)
      assert.ok(near.pending <= near.capacity)
      await Promise.all(sends)
      assert.deepEqual(
        order,
        Array.from({ length: MANY }, (_, i) => i),
      )
      near.close()
      assert.deepEqual(await peer.done(), { bytes: MANY * size, sha256: hash.digest('hex') })
      figures.bytes += MANY * size
      context.round()
    }
    return figures
  },
}
