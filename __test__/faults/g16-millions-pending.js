import assert from 'node:assert/strict'

const PENDING_LIMIT = 65_536

export default {
  id: 'G16',
  campaign: 'limits',
  promise: 'waits on one handle: under 1 KiB each, first come first served, bounded by its limit, all settled by close',
  launch: { execArgv: ['--expose-gc'] },
  short: 500,
  fits: (kind) => !kind.once,

  async run(kind, context) {
    const figures = { bytesEach: 0 }
    while (context.goesOn()) {
      const many = kind.mostWaits ?? (context.long ? 1_000_000 : 100_000)
      const ends = await kind.open(context)
      const begin = kind.begin ?? ((receiver) => receiver.recv())
      assert.equal(ends.receiver.pendingLimit, PENDING_LIMIT)
      ends.receiver.pendingLimit = many
      const settled = { served: 0, closed: 0 }
      globalThis.gc()
      const before = memory()
      const waits = new Array(many)
      for (let i = 0; i < many; i++) waits[i] = begin(ends.receiver)
      globalThis.gc()
      figures.bytesEach = Math.max(figures.bytesEach, Math.round((memory() - before) / many))
      assert.ok(figures.bytesEach < 1024, `${figures.bytesEach} bytes for each wait`)
      await assert.rejects(begin(ends.receiver), { code: 'ERR_IPC_LIMIT' })
      const count = {
        served: () => settled.served++,
        closed: ({ code }) => code === 'ERR_IPC_CLOSED' && settled.closed++,
      }
      for (const wait of waits) wait.then(count.served, count.closed)
      // Whom it serves is open where waits have no order.
      for (let i = 0; i < (kind.unordered ? 1 : 100); i++) {
        await kind.send(ends.sender, kind.encode(i))
        const message = await (kind.unordered ? Promise.any(waits) : waits[i])
        if (kind.decode && !kind.unordered) assert.deepEqual(kind.decode(message), [i])
      }
      ends.close()
      await Promise.allSettled(waits)
      assert.equal(settled.served + settled.closed, many)
      assert.ok(settled.served === 100 || kind.unordered, 'more were served than there were messages')
      figures.pending = many
      context.round()
    }
    return figures
  },
}

function memory() {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
