import assert from 'node:assert/strict'
import { inside, nameOfInside } from './harness/inside.js'
import { turnFor, within } from './harness/time.js'

export default {
  id: 'S1',
  campaign: 'kill',
  promise: 'a holder killed at any moment holds nothing any more, and the next one is told if it was inside',
  fits: (kind) => kind.holds !== undefined,
  short: 1500,
  alone: true,

  roles: {
    /** Takes and gives back for ever. */
    async holdForEver(kind, context) {
      const { name, memory, way } = context.data
      const handle = kind.holds.open(name)
      const people = inside(memory)
      const alone = kind.holds.alone.includes(way)
      for (let i = 0; ; i++) {
        const guard = await kind.holds.ways[way](handle)
        people.enter(alone)
        if (i === 0) context.tell('inside')
        if (context.random.chance(0.1)) await turnFor(context.random.float())
        people.leave(alone)
        guard.unlock()
      }
    },
  },

  async run(kind, context) {
    const { open, newName, drop, ways, alone } = kind.holds
    const [name, memory] = [newName(), nameOfInside()]
    const handle = open(name)
    context.defer(() => drop(name))
    const people = inside(memory, context)
    const figures = { kills: 0, whileAlone: 0 }
    /** Milliseconds from each kill to the next one. @type {number[]} */
    const times = []
    while (context.goesOn()) {
      const way = context.random.pick(Object.keys(ways))
      const victim = context.start('holdForEver', { name, memory, way }, { ends: { signal: 'SIGKILL' } })
      assert.equal(await victim.told(), 'inside')
      // Somebody stands in line at the moment of the kill, most often.
      await turnFor(context.random.float() * 5)
      const waits = context.random.chance(0.7)
      const next = context.random.pick(alone)
      const early = waits ? ways[next](handle) : undefined
      await turnFor(context.random.float() * 3)
      const first = early === undefined ? undefined : await Promise.race([early, undefined])
      victim.kill('SIGKILL')
      const killed = performance.now()
      let guard = first
      // It had its turn before the kill, as it may: then it is the next but one that tells.
      if (guard === undefined) guard = await within(10_000, 'the next one', early ?? ways[next](handle))
      const passed = performance.now() - killed
      await victim.done()
      guard.unlock()
      const after = await within(10_000, 'the one after', ways[next](handle, { timeout: 5000 }))
      // Whoever was inside alone has not left, and somebody was told.
      if (people.alone() > 0) {
        assert.ok(guard.abandoned || after.abandoned, 'nobody was told')
        figures.whileAlone++
      }
      people.clear()
      after.unlock()
      const last = await ways[next](handle, { timeout: 0 })
      assert.equal(last.abandoned, false)
      last.unlock()
      assert.ok(passed < 1000, `${passed} ms until the next one`)
      times.push(passed)
      figures.kills++
      context.round()
    }
    handle.close()
    // A busy machine may keep one of a hundred from running for a while.
    times.sort((a, b) => a - b)
    const most = times[Math.ceil(0.99 * times.length) - 1]
    if (context.long) assert.ok(most < 100, `${most} ms until the next one, of 99 in 100`)
    return { ...figures, p99: most, longest: times.at(-1) }
  },
}
