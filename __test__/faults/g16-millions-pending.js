import assert from 'node:assert/strict'

const PENDING_LIMIT = 65_536

export default {
  id: 'G16',
  campaign: 'limits',
  promise: 'waits on one handle: under 1 KiB each, first come first served, bounded by its limit, all settled by close',
  launch: { execArgv: ['--expose-gc'] },
  short: 500,

  async run(kind, context) {
    const figures = { bytesEach: 0 }
    while (context.goesOn()) {
      const many = context.long ? 1_000_000 : 100_000
      const ends = await kind.open(context)
      assert.equal(ends.receiver.pendingLimit, PENDING_LIMIT)
      ends.receiver.pendingLimit = many
      const settled = { inOrder: 0, closed: 0, refused: 0 }
      globalThis.gc()
      const before = memory()
      const waits = new Array(many)
      for (let i = 0; i < many; i++) waits[i] = ends.receiver.recv()
      globalThis.gc()
      figures.bytesEach = Math.max(figures.bytesEach, Math.round((memory() - before) / many))
      assert.ok(figures.bytesEach < 1024, `${figures.bytesEach} bytes for each wait`)
      await assert.rejects(ends.receiver.recv(), { code: 'ERR_IPC_LIMIT' })
      for (let i = 0; i < 100; i++) {
        await kind.send(ends.sender, kind.encode(i))
        settled.inOrder++
        assert.deepEqual(kind.decode(await waits[i]), [i])
      }
      for (const wait of waits) wait.then(undefined, ({ code }) => code === 'ERR_IPC_CLOSED' && settled.closed++)
      ends.close()
      await Promise.allSettled(waits)
      assert.equal(settled.inOrder + settled.closed, many)
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
