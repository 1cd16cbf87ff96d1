/**
 * `npm run campaign -- runtimes`: every spec file on Node 20, 22, 24 and 26, with both reactors; a row for each of the eight.
 *
 * All of it takes hours. So files are taken in an order that has each of them run once, each on another runtime than the
 * one before, then once more elsewhere; what was run is remembered under target/campaigns, the next campaign goes on from
 * there, and a row says what it is still without, or has from other sources than these.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { installRuntime } from '../support/install-runtime.js'
import { Complaint, root } from '../support/run.js'
import { binaryOf, nodes } from '../support/runtimes.js'
import { runSpec } from '../support/spec-run.js'
import { files, fingerprint } from '../support/stamp.js'

export const about =
  'the whole suite on each Node with both reactors; --runtime NAME, --reactor uv|tokio, FILTER…: these'

/** Specs of faults ask the addon for panics. */
export const faultInject = true

const reactors = /** @type {const} */ (['uv', 'tokio'])

/** @type {import('../support/trust/campaigns.js').Goal[]} */
export const goals = [
  {
    goal: 'files of specs that pass on Node 20, 22, 24 and 26 with either reactor (of the one of the eight with fewest)',
    target: specFiles().length,
    reached: (rows) =>
      rows.length < nodes.length * reactors.length
        ? 0
        : Math.min(...rows.map(({ figures }) => Number.parseInt(figures.files, 10))),
  },
]

const folder = join(root, 'target/campaigns/runtimes')
const memory = join(folder, 'runs.json')
const sources = [
  'index.js',
  'bundle.js',
  'lib',
  'bin',
  'src',
  'core/src',
  '__test__',
  'Cargo.lock',
  'package-lock.json',
]

/** Seconds that a file is taken to need as long as nobody knows. */
const GUESS = 20

/**
 * @typedef {object} Cell
 * @property {import('../support/runtimes.js').Runtime} runtime
 * @property {'uv' | 'tokio'} reactor
 * @property {string} name
 */

/**
 * What is remembered of one file in one cell.
 * @typedef {import('../support/spec-run.js').Outcome & { sources: string, at: number }} Run
 */

/** @param {{ minutes: number, rest?: string[] }} options */
export async function run({ minutes, rest = [] }) {
  const { cells, specs } = wanted(rest)
  const now = fingerprint(sources)
  const runs = remembered()
  const end = performance.now() + minutes * 60_000
  mkdirSync(folder, { recursive: true })
  for (const { cell, spec } of inOrder(cells, specs, runs, now)) {
    const left = (end - performance.now()) / 1000
    if (left <= 0) break
    if (expected(runs, spec) > left) continue
    console.error(`${spec} on ${cell.name} (${Math.round(left)} s left)`)
    const outcome = await runIn(cell, spec)
    runs[key(cell, spec)] = { ...outcome, sources: now, at: Date.now() }
    writeFileSync(memory, JSON.stringify(runs, null, 1))
  }
  return cells.map((cell) => row(cell, specs, runs, now))
}

function specFiles() {
  return files('__test__').filter((path) => path.endsWith('.spec.js'))
}

/** @param {string[]} rest */
function wanted(rest) {
  const list = { type: /** @type {const} */ ('string'), multiple: /** @type {const} */ (true) }
  let given
  try {
    given = parseArgs({ args: rest, options: { runtime: list, reactor: list }, allowPositionals: true })
  } catch (error) {
    throw new Complaint(/** @type {Error} */ (error).message)
  }
  const chosen = { runtime: values(given.values.runtime), reactor: values(given.values.reactor) }
  refuseUnknown(
    'runtime',
    chosen.runtime,
    nodes.map(({ name }) => name),
  )
  refuseUnknown('reactor', chosen.reactor, [...reactors])
  const cells = nodes
    .flatMap((runtime) => reactors.map((reactor) => ({ runtime, reactor, name: `${runtime.name} ${reactor}` })))
    .filter(({ runtime }) => chosen.runtime.length === 0 || chosen.runtime.includes(runtime.name))
    .filter(({ reactor }) => chosen.reactor.length === 0 || chosen.reactor.includes(reactor))
  const specs = specFiles().filter(
    (path) => given.positionals.length === 0 || given.positionals.some((filter) => path.includes(filter)),
  )
  if (specs.length === 0) throw new Complaint(`No spec matches ${given.positionals.join(' ')}`)
  return { cells, specs }
}

/** `a,b` and an option given twice are the same. @param {string[]} [given] */
function values(given = []) {
  return given.flatMap((entry) => entry.split(','))
}

/**
 * @param {string} what
 * @param {string[]} given
 * @param {string[]} known
 */
function refuseUnknown(what, given, known) {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Complaint(`No such ${what}: ${unknown}. There are ${known.join(', ')}`)
}

/** @returns {Record<string, Run>} */
function remembered() {
  return existsSync(memory) ? JSON.parse(readFileSync(memory, 'utf8')) : {}
}

/**
 * @param {Cell} cell
 * @param {string} spec
 */
function key(cell, spec) {
  return `${cell.name} ${spec}`
}

/**
 * Pairs of file and cell: what failed the last time, then what was never run, then what was run longest ago. Among those
 * that were never run, each file comes once before any comes twice, and a file's neighbour runs in another cell.
 * @param {Cell[]} cells
 * @param {string[]} specs
 * @param {Record<string, Run>} runs
 * @param {string} now
 */
export function inOrder(cells, specs, runs, now) {
  return cells
    .flatMap((_, round) => specs.map((spec, index) => ({ spec, cell: cells[(index + round) % cells.length] })))
    .map((pair, place) => ({ ...pair, place, run: runs[key(pair.cell, pair.spec)] }))
    .filter(({ run }) => !(run && run.sources === now && run.failed === 0))
    .sort((a, b) => rank(a.run) - rank(b.run) || a.place - b.place)
}

/** @param {Run | undefined} run */
function rank(run) {
  if (run === undefined) return 1
  return run.failed > 0 ? 0 : run.at
}

/**
 * Seconds: the longest that the file has taken anywhere.
 * @param {Record<string, Run>} runs
 * @param {string} spec
 */
function expected(runs, spec) {
  const known = Object.entries(runs).filter(([name]) => name.endsWith(` ${spec}`))
  return known.length === 0 ? GUESS : Math.max(...known.map(([, { seconds }]) => seconds))
}

/**
 * @param {Cell} cell
 * @param {string} spec
 */
async function runIn({ runtime, reactor, name }, spec) {
  const own = process.versions.node.split('.')[0] === runtime.name.split('-')[1]
  if (!own && !existsSync(binaryOf(runtime))) installRuntime(runtime)
  const { output, ...outcome } = await runSpec(own ? process.execPath : binaryOf(runtime), spec, {
    OS_IPC_REACTOR: reactor,
  })
  const log = join(folder, name.replace(' ', '-'), `${spec.replaceAll('/', '-')}.tap`)
  rmSync(log, { force: true })
  if (outcome.failed > 0) {
    mkdirSync(dirname(log), { recursive: true })
    writeFileSync(log, output)
    console.error(`✗ ${spec} on ${name}: ${log}`)
  }
  return outcome
}

/**
 * @param {Cell} cell
 * @param {string[]} specs
 * @param {Record<string, Run>} runs
 * @param {string} now
 */
function row(cell, specs, runs, now) {
  const known = specs.flatMap((spec) => runs[key(cell, spec)] ?? [])
  const sum = (/** @type {'passed' | 'failed' | 'skipped' | 'seconds'} */ which) =>
    known.reduce((total, entry) => total + entry[which], 0)
  const older = known.filter((entry) => entry.sources !== now).length
  const missing = specs.length - known.length
  const failing = specs.filter((spec) => (runs[key(cell, spec)]?.failed ?? 0) > 0)
  return {
    class: cell.runtime.name,
    fault: 'suite',
    name: cell.name,
    promise: `the whole suite passes on ${cell.runtime.name} with the ${cell.reactor} reactor`,
    runs: known.length,
    rounds: sum('passed') + sum('failed'),
    seconds: sum('seconds'),
    cumulative: true,
    figures: {
      files: `${known.length} of ${specs.length}`,
      passed: sum('passed'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      ...(older > 0 ? { filesFromOlderSources: older } : {}),
      ...(missing > 0 ? { filesNotRun: missing } : {}),
      ...(failing.length > 0 ? { failing: failing.join(' ') } : {}),
    },
    again: `--runtime ${cell.runtime.name} --reactor ${cell.reactor}`,
    result: resultOf(known.length, specs.length, failing),
  }
}

/** @param {number} run @param {number} all @param {string[]} failing */
function resultOf(run, all, failing) {
  if (run === 0) return 'left out: not run yet'
  if (failing.length > 0) return 'failed'
  return run < all ? `unfinished: ${all - run} of ${all} files not run` : 'passed'
}
