/**
 * `npm run campaign -- coverage`: what `npm run coverage` measures, however long it takes, as rows. With `--report`: what it has
 * measured before.
 */
import { parseArgs } from 'node:util'
import { measure } from '../support/coverage/measure.js'
import { totalOf } from '../support/coverage/table.js'

export const about =
  'what of the sources the tests reach, in whatever process, however long that takes; --report: as it was measured last'

/** Specs of faults ask the addon for panics. */
export const faultInject = true

/** @type {import('../support/trust/campaigns.js').Goal[]} */
export const goals = [
  {
    goal: 'lines beside unsafe code with a way through them that no test takes and no reason excuses',
    target: 0,
    atMost: true,
    reached: (rows) => rows.find(({ name }) => name === 'beside-unsafe')?.figures.toBeSeenTo,
  },
]

/** @param {{ rest?: string[] }} options */
export async function run({ rest = [] }) {
  const { values } = parseArgs({ args: rest, options: { report: { type: 'boolean', default: false } } })
  const start = performance.now()
  const { specs, reached, missed, faults } = await measure({ filters: [], ...values })
  for (const fault of faults) console.error(fault)
  const row = {
    fault: 'coverage',
    runs: 1,
    rounds: specs.length,
    seconds: (performance.now() - start) / 1000,
    result: 'passed',
  }
  const kinds = /** @type {const} */ ([
    ['rust', 'Rust', /\.rs$/],
    ['javascript', 'JavaScript', /\.js$/],
  ])
  return [
    ...kinds.map(([name, language, pattern]) => ({
      ...row,
      class: language,
      name,
      promise: `how much of the ${language} the tests reach`,
      figures: totalOf(reached.filter(({ path }) => pattern.test(path))),
    })),
    {
      ...row,
      class: 'Rust',
      name: 'beside-unsafe',
      promise: 'every way through the code beside unsafe blocks is taken by a test, or listed with the reason why not',
      figures: { lines: missed.length, toBeSeenTo: faults.length },
      result: faults.length === 0 ? 'passed' : 'failed',
    },
  ]
}
