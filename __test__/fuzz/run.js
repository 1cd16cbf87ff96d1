/** Executions of one target, one after the other: each has a seed of its own, which a failure names. */
import assert from 'node:assert/strict'
import { Random } from '../faults/harness/random.js'
import { descriptors } from '../support/state.js'
import { targets } from './targets.js'

/**
 * @param {string} name
 * @param {{ seed: number, ms?: number, most?: number, before?: (seed: number) => void }} how `before` hears of each
 *   execution: a process that is killed by its input says nothing any more
 * @returns {Promise<number>} how many
 */
export async function fuzz(name, { seed, ms = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY, before }) {
  const end = performance.now() + ms
  const target = targets[name].begin()
  let [count, open] = [0, -1]
  try {
    for (; count < most && performance.now() < end; count++) {
      const own = (seed + count) >>> 0
      before?.(own)
      try {
        await target.one(new Random(own))
      } catch (cause) {
        throw new Error(`${name}, seed ${own}: ${/** @type {any} */ (cause)?.message}`, { cause })
      }
      // What is made once is there after the first ones.
      if (count === 20) open = descriptors()
    }
    await new Promise(setImmediate)
    if (open >= 0)
      assert.ok(
        descriptors() <= open + 2,
        `${name}, from seed ${seed}: ${descriptors()} descriptors, and ${open} before`,
      )
  } finally {
    target.close()
  }
  return count
}
