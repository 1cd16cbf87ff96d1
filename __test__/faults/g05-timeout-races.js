import assert from 'node:assert/strict'
import { inOrder } from './harness/numbers.js'
import { racesOf } from './harness/races.js'
import { spin, turn } from './harness/time.js'

export const timeouts = {
  begin(random) {
    return {
      options: { timeout: random.chance(0.2) ? 0 : random.float() * 2 },
      gaveUp: ({ code }) => code === 'ETIMEDOUT',
    }
  },
}

/** A message that is there wins over a timeout that has passed, in a queue too. */
async function available(kind, context) {
  const ends = await kind.open(context)
  const ways = Object.values(kind.receives)
  const figures = { races: 0, afterTheTime: 0 }
  let next = 0
  while (context.goesOn()) {
    const many = kind.keepsPlace ? 1 : context.random.integer(1, 5)
    const waits = Array.from({ length: many }, () => context.random.pick(ways)(ends.receiver, { timeout: 1 }))
    for (let i = 0; i < many; i++) assert.ok(kind.trySend(ends.sender, kind.encode(next + i)))
    spin(2)
    assert.deepEqual(
      inOrder(kind, (await Promise.all(waits)).flat()),
      Array.from({ length: many }, (_, i) => next + i),
    )
    next += many
    figures.afterTheTime += many
    figures.races += many
    assert.ok(kind.trySend(ends.sender, kind.encode(next)))
    if (context.random.chance(0.5)) await turn()
    assert.deepEqual(await context.random.pick(ways)(ends.receiver, { timeout: 0 }), [next++])
    context.round()
  }
  ends.close()
  return figures
}

export default {
  id: 'G5',
  campaign: 'cancel',
  promise: 'a timeout loses nothing, repeats nothing, and never wins over a message that is there',

  async run(kind, context) {
    const races = [...racesOf(kind), ...(kind.once ? [] : [available])]
    return context.shareOut(races, (race) => race(kind, context, timeouts))
  },
}
