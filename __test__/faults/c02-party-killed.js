import assert from 'node:assert/strict'
import { Barrier } from '../../index.js'
import { namesOf } from './harness/held.js'
import { turnFor, within } from './harness/time.js'

const parties = 3
/** Milliseconds. */
const PATIENCE = 10_000

export default {
  id: 'C2',
  campaign: 'kill',
  promise: 'a party killed at any moment has not come: the others wait for another one, and then go on',
  fits: (kind) => kind.name === 'barrier',
  short: 1000,

  roles: {
    async passForEver(_kind, context) {
      const barrier = Barrier.open(context.data, { parties })
      for (;;) {
        context.tell('comes')
        await barrier.wait()
        context.tell('through')
      }
    },
  },

  async run(_kind, context) {
    const { newName, drop } = namesOf(Barrier)
    const name = newName()
    context.defer(() => drop(name))
    const barrier = Barrier.open(name, { parties })
    const figures = { kills: 0, passes: 0 }
    const start = () => context.start('passForEver', name, { ends: { signal: 'SIGKILL' } })
    const survivor = start()
    assert.equal(await survivor.told(), 'comes')
    while (context.goesOn()) {
      const victim = start()
      assert.equal(await victim.told(), 'comes')
      await turnFor(context.random.float() * 5)
      victim.kill('SIGKILL')
      await victim.done()
      await assert.rejects(barrier.wait({ timeout: 5 }), { code: 'ETIMEDOUT' }, 'a dead one was counted')
      const next = start()
      assert.equal(await next.told(), 'comes')
      await within(PATIENCE, 'going through', barrier.wait())
      for (const party of [survivor, next]) {
        assert.equal(await within(PATIENCE, 'the others', party.told()), 'through')
        assert.equal(await party.told(), 'comes')
      }
      figures.passes++
      next.kill('SIGKILL')
      await next.done()
      figures.kills += 2
      context.round()
    }
    survivor.kill('SIGKILL')
    await survivor.done()
    barrier.close()
    return figures
  },
}
