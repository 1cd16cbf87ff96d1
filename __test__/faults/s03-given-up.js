import assert from 'node:assert/strict'
import { inside, nameOfInside } from './harness/inside.js'
import { turnFor } from './harness/time.js'

/** Takes in every way, with times that are too short as often as not. */
async function takeAndGiveUp({ holds }, context, { name, memory, goesOn }) {
  const people = inside(memory)
  const handles = [holds.open(name), holds.open(name)]
  const figures = { races: 0, taken: 0, givenUp: 0 }
  const ended = (error) => {
    assert.ok(error === 'enough' || error.code === 'ETIMEDOUT', error)
    figures.races++
    figures.givenUp++
  }
  const hold = (way, guard) => {
    const alone = holds.alone.includes(way)
    people.enter(alone)
    people.leave(alone)
    figures.races++
    figures.taken++
    guard.unlock()
  }
  while (goesOn()) {
    const all = Array.from({ length: 8 }, async () => {
      const way = context.random.pick(Object.keys(holds.ways))
      const handle = context.random.pick(handles)
      const controller = new AbortController()
      const timeout = context.random.float() * 2
      const taking = holds.ways[way](handle, { timeout, signal: controller.signal })
      if (context.random.chance(0.3)) turnFor(context.random.float()).then(() => controller.abort('enough'))
      await taking.then((guard) => hold(way, guard), ended)
    })
    if (context.random.chance(0.3)) {
      const way = context.random.pick(Object.keys(holds.sync))
      try {
        hold(way, holds.sync[way](handles[0], { timeout: context.random.float() * 2 }))
      } catch (error) {
        ended(error)
      }
    }
    await Promise.all(all)
  }
  for (const handle of handles) handle.close()
  return figures
}

export default {
  id: 'S3',
  campaign: 'cancel',
  promise: 'whoever gives up takes nothing, whoever takes is alone, and in the end nobody holds it',
  fits: (kind) => kind.holds !== undefined,
  short: 1000,

  roles: {
    async compete(kind, context) {
      const until = performance.now() + context.data.ms
      return takeAndGiveUp(kind, context, { ...context.data, goesOn: () => performance.now() < until })
    },
  },

  async run(kind, context) {
    const { open, newName, drop, ways, alone } = kind.holds
    const [name, memory] = [newName(), nameOfInside()]
    const handle = open(name)
    context.defer(() => drop(name))
    inside(memory, context)
    const rival = context.start('compete', { name, memory, ms: context.ms })
    const figures = await takeAndGiveUp(kind, context, {
      name,
      memory,
      goesOn: () => context.goesOn() && !context.round(),
    })
    await rival.done()
    const last = await ways[alone[0]](handle, { timeout: 0 })
    assert.equal(last.abandoned, false)
    last.unlock()
    handle.close()
    return figures
  },
}
