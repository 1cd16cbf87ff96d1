/** The suite with counters in everything, and what it has reached. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installRuntime } from '../install-runtime.js'
import { Complaint, root } from '../run.js'
import { binaryOf, nodes } from '../runtimes.js'
import { runSpec } from '../spec-run.js'
import { files } from '../stamp.js'
import { excuseFaults } from './excused.js'
import { JavaScript } from './javascript.js'
import { Rust } from './rust.js'

const folder = join(root, 'target/coverage')

/** Specs whose subject the oldest Node has not: a SharedArrayBuffer over memory that is not the runtime's own. */
const alsoOnNewest = ['__test__/shared-memory.spec.js']

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
      await runCounted(process.execPath, spec, { ...rust.env, ...javascript.env })
      if (alsoOnNewest.includes(spec)) await runCounted(newestNode(), spec, { ...rust.env, ...javascript.env })
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

function newestNode() {
  const runtime = nodes[nodes.length - 1]
  if (!existsSync(binaryOf(runtime))) installRuntime(runtime)
  return binaryOf(runtime)
}

/** @param {string} node @param {string} spec @param {Record<string, string>} env */
async function runCounted(node, spec, env) {
  const { output, ...outcome } = await runSpec(node, spec, env)
  if (outcome.failed === 0) return
  const log = join(folder, `${spec.replaceAll('/', '-')}.tap`)
  writeFileSync(log, output)
  console.error(`✗ ${spec}: ${log}. Counters cost time, and are files and mappings of their own: this need be no fault`)
}

/** @param {string} name */
function remove(name) {
  rmSync(join(folder, name), { recursive: true, force: true })
}
