import assert from 'node:assert/strict'
import native from '../../lib/load.js'

export default {
  id: 'G17',
  campaign: 'hostile',
  promise: 'a panic in the addon, in a call or on a thread of its own, is an error; the process and its handles go on',
  faultInject: true,
  fits: (kind) => kind.onThreads !== undefined && !kind.once,
  short: 500,

  async run(kind, context) {
    const figures = { inCalls: 0, onThreads: 0 }
    const ends = await kind.open(context)
    let next = 0
    while (context.goesOn()) {
      native.faultArm('call')
      assert.throws(() => native.faultCall(), /fault injected at call/)
      figures.inCalls++
      native.faultArm('waiter')
      const panics = kind.onThreads(ends, context).map((wait) => assert.rejects(wait, { code: 'ERR_IPC_INTERNAL' }))
      figures.onThreads += (await Promise.all(panics)).length
      native.faultArm(null)
      native.faultCall()
      const waits = kind.receives.recv(ends.receiver, {})
      await kind.send(ends.sender, kind.encode(next))
      assert.deepEqual(await waits, [next++])
      context.round()
    }
    ends.close()
    assert.ok(figures.onThreads > 0)
    return figures
  },
}
