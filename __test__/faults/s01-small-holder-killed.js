import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { progressOf } from './harness/progress.js'
import { Small } from './harness/small.js'
import { quantile, turnFor, within } from './harness/time.js'

const PATIENCE = 10_000

/** As holder-killed, far oftener: the holder does nothing but take it and give it back. */
export default {
  id: 'S1',
  campaign: 'kill',
  looks: ['rwlock'],
  promise: 'a small program that holds it is killed at any moment: the next one has it, and is told if it was inside',
  fits: (kind) => kind.holds !== undefined,
  small: true,
  short: 800,

  async run({ holds }, context) {
    const name = holds.newName()
    const handle = holds.open(name)
    context.defer(() => holds.drop(name))
    const figures = { kills: 0, whileAlone: 0, times: 0 }
    /** Milliseconds from each kill to the next one. @type {number[]} */
    const notices = []
    while (context.goesOn()) {
      const path = context.path()
      writeFileSync(path, '')
      const way = context.random.pick(Object.keys(holds.ways))
      const victim = new Small(context, ['holds', path, name, way])
      const end = performance.now() + PATIENCE
      while (statSync(path).size === 0) {
        assert.ok(performance.now() < end, 'it has not taken it')
        await turnFor(0.2)
      }
      const next = context.random.pick(holds.alone)
      const early = context.random.chance(0.3) ? holds.ways[next](handle) : undefined
      await turnFor(context.random.float() ** 2 * 3)
      const killed = performance.now()
      await victim.kill()
      const guard = await within(PATIENCE, 'the next one', early ?? holds.ways[next](handle))
      notices.push(performance.now() - killed)
      const { abandoned } = guard
      guard.unlock()
      const after = await within(PATIENCE, 'the one after', holds.ways[next](handle, { timeout: 5000 }))
      const written = progressOf(path)
      figures.times += written.length >> 1
      // Inside alone, and dead.
      if (written.at(-1) === 1 && holds.alone.includes(way)) {
        assert.ok(abandoned || after.abandoned, 'nobody was told')
        figures.whileAlone++
      }
      after.unlock()
      const last = await holds.ways[next](handle, { timeout: 0 })
      assert.equal(last.abandoned, false)
      last.unlock()
      figures.kills++
      context.round()
    }
    handle.close()
    return { ...figures, noticeP99Ms: quantile(notices, 0.99).toFixed(2) }
  },
}
