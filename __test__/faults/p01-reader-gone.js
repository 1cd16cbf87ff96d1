import assert from 'node:assert/strict'
import { constants } from 'node:os'

export default {
  id: 'P1',
  campaign: 'kill',
  promise: 'sending when the last receiver has gone is EPIPE, for who waits and for who comes; the process lives',
  fits: (kind) => kind.stream && kind.another !== undefined,

  async run(kind, context) {
    const figures = { epipes: 0, receiversOfOthers: 0 }
    const { random } = context
    const epipe = async (send) => {
      await assert.rejects(
        async () => send(),
        (error) => {
          assert.ok((kind.gone ?? ['EPIPE']).includes(error.code), error.stack)
          assert.equal(error.errno, -constants.errno[error.code])
          assert.equal(error.syscall, kind.sendCall ?? 'write')
          return true
        },
      )
      figures.epipes++
    }
    while (context.goesOn()) {
      // The receiver is another process's, now and then, and ends in every way.
      const away = random.chance(0.05)
      const { near, peer } = away
        ? await context.meet('receiver', 'holdOn', undefined, { ends: { signal: 'SIGKILL' } })
        : {}
      const ends = away ? { sender: near, close: () => near.close() } : await kind.open(context)
      const another = random.chance(0.3) ? kind.another(ends.sender) : undefined
      const pending = []
      if (random.chance(0.6)) {
        kind.fill(ends.sender)
        for (let i = random.integer(1, 8); i > 0; i--) pending.push(epipe(() => kind.send(ends.sender, kind.encode(i))))
        if (another !== undefined) pending.push(epipe(() => kind.send(another, kind.encode(1), { timeout: 10_000 })))
        if (random.chance(0.5)) await new Promise(setImmediate)
      }
      if (away) {
        await peer.told()
        peer.kill('SIGKILL')
        await peer.done()
        figures.receiversOfOthers++
      } else {
        ends.receiver.close()
      }
      await Promise.all(pending)
      await epipe(() => kind.send(ends.sender, kind.encode(1)))
      await epipe(() => kind.trySend(ends.sender, kind.encode(1)))
      await epipe(() => kind.sendSync(ends.sender, kind.encode(1)))
      assert.equal(ends.sender.closed, false)
      another?.close()
      ends.close()
      context.round()
    }
    return figures
  },
}
