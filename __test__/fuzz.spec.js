/**
 * Mutated input for whatever in JavaScript reads what others say, with the same seeds each time. `npm run campaign -- fuzz` has
 * other seeds, more time, and libFuzzer for what the core reads; the Rust tests of core/fuzz run its corpus.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fuzz } from './fuzz/run.js'
import { targets } from './fuzz/targets.js'

const SEED = 7
const EXECUTIONS = 60

describe('whatever an enemy says', { timeout: 60_000 }, () => {
  for (const [name, { about }] of Object.entries(targets)) {
    test(`${about}: is told of by an error with a code, and nothing is left (${name})`, async () => {
      assert.equal(await fuzz(name, { seed: SEED, most: EXECUTIONS }), EXECUTIONS)
    })
  }
})
