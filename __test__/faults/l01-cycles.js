import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { descriptorList, descriptors, mappings, resident, threadCounts } from './harness/proc.js'
import { quantile, until } from './harness/time.js'

/** Bytes that a cycle may leave, and bytes that come and go by themselves; more of them before everything is compiled. */
const EACH = 1
const NOISE = 2 << 20
const EARLY = 8 << 20
/** Cycles after which a byte for each could be told from that. */
const MANY = 20_000
/** Mappings that the allocator may make and drop. */
const SLACK = 24

const CYCLES = {
  async open(kind, context) {
    ;(await kind.open(context)).close()
  },
  async use(kind, context) {
    const ends = await kind.open(context)
    const waits = kind.receives.recv(ends.receiver, {})
    await kind.send(ends.sender, kind.encode(1))
    await waits
    ends.close()
  },
  async closePending(kind, context) {
    const ends = await kind.open(context)
    const { signal } = new AbortController()
    const waits = [
      kind.receives.recv(ends.receiver, { signal }),
      kind.receives.recv(ends.receiver, { timeout: 60_000 }),
    ]
    ends.close()
    for (const { reason } of await Promise.allSettled(waits)) assert.equal(reason.code, 'ERR_IPC_CLOSED')
  },
  async another(kind, context) {
    const ends = await kind.open(context)
    const another = kind.another?.(ends.receiver)
    ends.close()
    another?.close()
  },
  async fail(kind, context) {
    await assert.rejects(
      kind.openMissing?.(context) ?? Promise.reject(Object.assign(new Error(), { code: 'ENOENT' })),
      { code: 'ENOENT' },
    )
  },
}

export default {
  id: 'L1',
  campaign: 'leak',
  promise: 'opening and closing in every way leaves no descriptor, thread, mapping or name, and no memory',
  // A young generation that stays small, or its growth hides ours.
  launch: { execArgv: ['--expose-gc', '--max-semi-space-size=1'] },
  short: 800,
  longest: 120_000,

  async run(kind, context) {
    const least = (kind.leastCycles ?? 1000) * (context.long ? 10 : 1)
    const names = Object.keys(CYCLES)
    const cycle = async (count) => {
      for (let i = 0; i < count; i++) {
        await CYCLES[names[context.rounds % names.length]](kind, context)
        context.round()
      }
      globalThis.gc()
    }
    // Until everything has been compiled and allocated once.
    await cycle(Math.ceil(least / 5))
    const warm = context.rounds
    const before = {
      descriptors: descriptors(),
      others: threadCounts().others,
      mappings: mappings(),
      names: readdirSync(context.scratch).length,
    }
    const samples = []
    while (context.goesOn() || context.rounds < least) {
      await cycle(Math.ceil(least / 50))
      samples.push(resident())
    }
    await until('the descriptors are closed', () => descriptors() <= before.descriptors, 2000).catch(() => {})
    assert.equal(descriptors(), before.descriptors, descriptorList().join(', '))
    assert.ok(threadCounts().others <= before.others, `${threadCounts().others - before.others} threads more`)
    if (context.long) await until('the waiter threads have gone', () => threadCounts().waiters === 0)
    assert.equal(readdirSync(context.scratch).length, before.names, 'names')
    // The engine's own too; one of ours for each cycle would be many.
    const more = mappings() - before.mappings
    assert.ok(more < SLACK + (context.rounds - warm) / 20, `${more} mappings more`)
    // The first half may still be growing into its place.
    const middle = samples.length >> 1
    const growth = quantile(samples.slice(-(middle >> 1)), 0.5) - quantile(samples.slice(middle >> 1, middle), 0.5)
    const cycles = context.rounds - warm
    const noise = cycles < MANY ? EARLY : NOISE
    assert.ok(growth < noise + (EACH * cycles) / 2, `${growth} bytes more after ${cycles} cycles`)
    // Of few cycles it says more of the allocator than of them.
    const each = cycles < MANY ? {} : { bytesEach: (growth / (cycles / 2)).toFixed(2) }
    return { cycles, growthBytes: growth, ...each }
  },
}
