/**
 * `npm run coverage`: what of the Rust and the JavaScript the tests reach, in whatever process they reach it: a table by
 * folder, and target/coverage. `npm run coverage -- FILTER…`: these specs alone; `--keep` adds to what was reached before;
 * `--report` runs nothing and only reports that.
 *
 * Beside unsafe code everything has to be reached, or be excused in support/coverage/excused.txt; that is looked at where
 * every spec was run, or with `--check`.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { excuseFaults } from './support/coverage/excused.js'
import { JavaScript } from './support/coverage/javascript.js'
import { Rust } from './support/coverage/rust.js'
import { tableOf } from './support/coverage/table.js'
import { Complaint, main, root } from './support/run.js'
import { setUp } from './support/setup.js'
import { runSpec } from './support/spec-run.js'
import { files } from './support/stamp.js'

const flag = /** @type {const} */ ({ type: 'boolean', default: false })
const { values, positionals } = parseArgs({
  options: { keep: flag, report: flag, check: flag },
  allowPositionals: true,
})
const folder = join(root, 'target/coverage')

await main(async () => {
  const specs = files('__test__').filter((path) => path.endsWith('.spec.js'))
  const chosen = specs.filter((path) => positionals.length === 0 || positionals.some((filter) => path.includes(filter)))
  if (chosen.length === 0) throw new Complaint(`No spec matches. There are:\n${specs.join('\n')}`)
  setUp({ faultInject: true })
  mkdirSync(folder, { recursive: true })
  if (!values.keep && !values.report) for (const name of ['raw', 'javascript.json']) remove(name)
  const rust = new Rust(folder)
  const javascript = new JavaScript(folder)
  if (!values.report) {
    rust.build()
    if (positionals.length === 0) rust.test()
    for (const [index, spec] of chosen.entries()) {
      console.error(`${spec} (${index + 1} of ${chosen.length})`)
      const { output, ...outcome } = await runSpec(process.execPath, spec, { ...rust.env, ...javascript.env })
      if (outcome.failed > 0) {
        const log = join(folder, `${spec.replaceAll('/', '-')}.tap`)
        writeFileSync(log, output)
        console.error(
          `✗ ${spec}: ${log}. Counters cost time, and are files and mappings of their own: this need be no fault`,
        )
      }
      javascript.gather()
      // Whoever stops this here goes on with --keep.
      javascript.save()
    }
  }

  const reached = [...rust.report(), ...javascript.report()]
  writeFileSync(join(folder, 'files.json'), JSON.stringify(reached, null, 1))
  console.log(tableOf(reached))
  const missed = rust.missedBesideUnsafe()
  writeFileSync(join(folder, 'missed.txt'), missed.map(({ path, line, code }) => `${path}:${line}: ${code}\n`).join(''))
  const faults = excuseFaults(missed)
  console.log(
    `\nBeside unsafe code: ${missed.length} lines with something that no test reaches, ${faults.length} to be seen to`,
  )
  if (!values.check && positionals.length > 0) return
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
})

/** @param {string} name */
function remove(name) {
  rmSync(join(folder, name), { recursive: true, force: true })
}
