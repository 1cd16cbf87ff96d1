/**
 * `npm run coverage`: what of the Rust and the JavaScript the tests reach, in whatever process they reach it: a table by
 * folder, and target/coverage. `npm run coverage -- FILTER…`: these specs alone; `--keep` adds to what was reached before;
 * `--report` runs nothing and only reports that. `npm run campaign -- coverage --record` keeps what it came to.
 *
 * Beside unsafe code everything has to be reached, or be excused in support/coverage/excused.txt; that is looked at where
 * every spec was run, or with `--check`.
 */
import { parseArgs } from 'node:util'
import { measure } from './support/coverage/measure.js'
import { tableOf } from './support/coverage/table.js'
import { main } from './support/run.js'
import { setUp } from './support/setup.js'

const flag = /** @type {const} */ ({ type: 'boolean', default: false })
const { values, positionals } = parseArgs({
  options: { keep: flag, report: flag, check: flag },
  allowPositionals: true,
})

await main(async () => {
  await setUp({ faultInject: true })
  const { reached, missed, faults } = await measure({ filters: positionals, ...values })
  console.log(tableOf(reached))
  console.log(
    `\nBeside unsafe code: ${missed.length} lines with something that no test reaches, ${faults.length} to be seen to`,
  )
  if (!values.check && positionals.length > 0) return
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
})
