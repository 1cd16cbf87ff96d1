import assert from 'node:assert/strict'
import { descriptorList, mappings, threadCounts } from './harness/proc.js'
import { turnFor, until, within } from './harness/time.js'

/**
 * Workers that are ended until what V8 and the C library keep for the next one is all there: an arena comes whenever more
 * threads than ever before allocate at once.
 */
const WARM_UP = { look: 4, long: 40 }
/** Mappings that V8 and the allocator may have more, whatever the number of workers. */
const SLACK = 40
/** Waiter threads that the waits of one worker need, at most. */
const WAITERS = 8

/**
 * How many descriptors are open, but for the registry's own: of what a worker made under no name, and was ended before it
 * removed it, the process keeps account until its end.
 */
const descriptors = () => descriptorList().filter((entry) => !entry.includes('/dev/shm/os-ipc-')).length

export default {
  id: 'G8',
  campaign: 'leak',
  promise: 'a worker terminated with waits of every sort pending ends in time and leaves nothing behind',
  short: 1000,

  roles: {
    async pend(kind, context) {
      context.tell('loaded')
      const { pending } = await kind.wait(context)
      context.tell(pending.length)
      await Promise.all(pending)
    },
  },

  async run(kind, context) {
    const figures = { pendingEnded: 0, slowestEndMs: 0 }
    const ends = await kind.open(context)

    const round = async () => {
      const worker = context.worker('pend')
      await worker.told()
      // Some are ended before they wait, or in the middle of it.
      if (context.random.chance(0.8)) figures.pendingEnded += await worker.told()
      else await turnFor(context.random.float() * 10)
      const start = performance.now()
      await within(10_000, 'the end of a worker', worker.terminate())
      figures.slowestEndMs = Math.max(figures.slowestEndMs, Math.round(performance.now() - start))
      context.round()
    }

    for (let i = 0; i < (context.long ? WARM_UP.long : WARM_UP.look); i++) await round()
    const before = { descriptors: descriptors(), others: threadCounts().others, mappings: mappings() }
    const first = context.rounds
    while (context.goesOn() || context.rounds === first) await round()

    assert.equal(
      await settled(() => descriptors(), before.descriptors),
      before.descriptors,
      descriptorList().join(', '),
    )
    // Idle waiter threads are used again, and go by themselves after a while.
    assert.ok(threadCounts().waiters <= WAITERS, `${threadCounts().waiters} waiter threads`)
    if (context.long) await until('the waiter threads have gone', () => threadCounts().waiters === 0)
    assert.equal(await settled(() => threadCounts().others, before.others), before.others, 'threads')
    const more = mappings() - before.mappings
    assert.ok(more < SLACK, `${more} mappings more after ${context.rounds - first} workers`)
    // A thread that it would have to wait for is waited for a second.
    assert.ok(figures.slowestEndMs < 900, `a worker took ${figures.slowestEndMs} ms to end`)

    // The environment that is left works as before.
    await kind.send(ends.sender, kind.encode(1))
    assert.deepEqual(await kind.receives.recv(ends.receiver, {}), [1])
    ends.close()
    return { ...figures, mappingsMore: more }
  },
}

/** The last value of `measure`, which has some time to come to what it is to be. */
async function settled(measure, wanted) {
  await until('', () => measure() <= wanted, 2000).catch(() => {})
  return measure()
}
