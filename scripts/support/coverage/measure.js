/** The suite with counters in everything, and what it has reached. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Complaint, root } from '../run.js'
import { runSpec } from '../spec-run.js'
import { files } from '../stamp.js'
import { excuseFaults } from './excused.js'
import { JavaScript } from './javascript.js'
import { Rust } from './rust.js'

const folder = join(root, 'target/coverage')

/**
 * @typedef {object} Asked
 * @property {string[]} filters of specs; none: all of them, and the core's own tests
 * @property {boolean} [keep] what was reached before counts too
 * @property {boolean} [report] runs nothing
 *
 * @typedef {object} Measured
 * @property {string[]} specs that were asked for
 * @property {import('./table.js').Reached[]} reached
 * @property {import('./rust.js').Missed[]} missed lines beside unsafe code with something that no test reaches
 * @property {string[]} faults what of it is not excused, and what is and need not be
 */

/** @param {Asked} asked @returns {Promise<Measured>} */
export async function measure({ filters, keep, report }) {
  const all = files('__test__').filter((path) => path.endsWith('.spec.js'))
  const specs = all.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  if (specs.length === 0) throw new Complaint(`No spec matches. There are:\n${all.join('\n')}`)
  mkdirSync(folder, { recursive: true })
  if (!keep && !report) for (const name of ['raw', 'javascript.json']) remove(name)
  const rust = new Rust(folder)
  const javascript = new JavaScript(folder)
  if (!report) {
    rust.build()
    if (filters.length === 0) rust.test()
    for (const [index, spec] of specs.entries()) {
      console.error(`${spec} (${index + 1} of ${specs.length})`)
      await runCounted(spec, { ...rust.env, ...javascript.env })
      javascript.gather()
      // Whoever stops this here goes on with --keep.
      javascript.save()
    }
  }
  const reached = [...rust.report(), ...javascript.report()]
  writeFileSync(join(folder, 'files.json'), JSON.stringify(reached, null, 1))
  const missed = rust.missedBesideUnsafe()
  writeFileSync(join(folder, 'missed.txt'), missed.map(({ path, line, code }) => `${path}:${line}: ${code}\n`).join(''))
  return { specs, reached, missed, faults: excuseFaults(missed) }
}

/** @param {string} spec @param {Record<string, string>} env */
async function runCounted(spec, env) {
  const { output, ...outcome } = await runSpec(process.execPath, spec, env)
  if (outcome.failed === 0) return
  const log = join(folder, `${spec.replaceAll('/', '-')}.tap`)
  writeFileSync(log, output)
  console.error(`✗ ${spec}: ${log}. Counters cost time, and are files and mappings of their own: this need be no fault`)
}

/** @param {string} name */
function remove(name) {
  rmSync(join(folder, name), { recursive: true, force: true })
}
