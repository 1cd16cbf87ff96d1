import assert from 'node:assert/strict'
import { Condition, Mutex } from '../../index.js'
import { namesOf } from './harness/held.js'
import { turnFor, within } from './harness/time.js'

/** Milliseconds. */
const PATIENCE = 10_000

export default {
  id: 'C1',
  campaign: 'kill',
  promise: 'who waits and is killed at any moment takes no notice away from those who live, and leaves none behind',
  fits: (kind) => kind.name === 'condition',
  short: 1000,

  roles: {
    async waitForEver(_kind, context) {
      const [mutex, condition] = [Mutex.open(context.data.mutex), Condition.open(context.data.condition)]
      for (;;) {
        const guard = await mutex.lock()
        context.tell('waits')
        await condition.wait(guard)
        guard.unlock()
        context.tell('woken')
      }
    },
  },

  async run(_kind, context) {
    const { random } = context
    const [conditions, mutexes] = [namesOf(Condition), namesOf(Mutex)]
    const data = { condition: conditions.newName(), mutex: mutexes.newName() }
    context.defer(() => conditions.drop(data.condition))
    context.defer(() => mutexes.drop(data.mutex))
    const [mutex, condition] = [Mutex.open(data.mutex), Condition.open(data.condition)]
    const figures = { kills: 0, withANotice: 0, notices: 0 }
    const start = () => context.start('waitForEver', data, { ends: { signal: 'SIGKILL' } })
    const survivor = start()
    assert.equal(await survivor.told(), 'waits')
    while (context.goesOn()) {
      const victim = start()
      assert.equal(await victim.told(), 'waits')
      // Whoever has it comes after both have given it up, and are counted; and nobody waits anew meanwhile.
      const guard = await mutex.lock()
      const count = random.integer(0, 2)
      const early = count === 0 ? 0 : condition.notify(count)
      await turnFor(random.float() ** 3 * 2)
      victim.kill('SIGKILL')
      await victim.done()
      // The early one may have been the survivor's.
      const late = condition.notify(1)
      guard.unlock()
      assert.equal(early, count)
      assert.ok(late === 1 || early > 0, 'nobody is left who waits')
      if (early + late === 2) figures.withANotice++
      figures.notices += early + late
      assert.equal(await within(PATIENCE, 'a notice for the one who lives', survivor.told()), 'woken')
      assert.equal(await survivor.told(), 'waits')
      const last = await mutex.lock()
      await assert.rejects(condition.wait(last, { timeout: 5 }), { code: 'ETIMEDOUT' }, 'a notice of nobody')
      last.unlock()
      figures.kills++
      context.round()
    }
    survivor.kill('SIGKILL')
    await survivor.done()
    for (const handle of [mutex, condition]) handle.close()
    return figures
  },
}
