/**
 * Models of whatever has no lock, or wakes somebody. Loom tries every order of the threads' steps with so many interruptions
 * of a thread, with more of them where there is time; shuttle tries orders by chance for what is left of the time.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Complaint, root } from '../support/run.js'
import { builtTests } from '../support/rust-tests.js'
import { only } from '../support/trust/only.js'
import { watched } from '../support/watched.js'

export const about =
  'models of everything lock-free or with a wake-up: loom, exhaustively, and shuttle, by chance; --only MODEL,MODEL'

/** @typedef {import('../support/trust/rows.js').Row} Row */
/** @typedef {{ name: string, file: string }} Program */
/** @typedef {{ models: number, mutations: number, orders: number, ms: number, error: string, late: boolean }} Tried */

const FOLDER = 'core/models/tests'
/** What each is a model of. @type {Record<string, string>} */
const OF = {
  lines: 'conditions, readers and writers, barriers, and threads that wait for others',
  ring: 'the ring of a channel, its bells and its end',
  topic: 'the ring of a topic',
  waiter: 'what a thread that waits has taken for somebody who may be gone',
}
/** How often loom interrupts a thread, at least and at most. */
const [LEAST, MOST] = [3, 7]
/** How much longer each interruption more takes, about. */
const STEEP = 12
/** Orders of each model that shuttle begins with, and milliseconds after which it is begun anew with other chance. */
const [FEW, LONG] = [500, 30_000]

export const goals = [
  {
    goal: 'orders of steps that chance has chosen',
    target: 1e6,
    reached: (/** @type {Row[]} */ rows) => rows.reduce((sum, { figures }) => sum + (figures.orders ?? 0), 0),
  },
  {
    goal: 'interruptions of a thread in models whose every order was tried (in the one with fewest)',
    target: LEAST,
    reached: (/** @type {Row[]} */ rows) => {
      const most = rows
        .filter(({ class: kind }) => kind === 'loom')
        .map(({ figures }) => Number(figures.interruptionsMost))
      return most.length === 0 ? 0 : Math.min(...most)
    },
  },
]

/** @param {import('../support/trust/campaigns.js').Asked} asked @returns {Promise<Row[]>} */
export async function run({ minutes, rest }) {
  const programs = built()
  const names = only(
    'models',
    rest,
    programs.map(({ name }) => name),
  )
  const chosen = programs.filter(({ name }) => names.includes(name))
  const byChance = chosen.filter(({ name }) => isByChance(name))
  const byOrder = chosen.filter((program) => !byChance.includes(program))
  const end = performance.now() + minutes * 60_000
  /** @type {{ program: Program, bound: number, all: Tried[] }[]} */
  const exhausted = []
  // This much is tried however short the time.
  for (const program of byOrder)
    exhausted.push({ program, bound: LEAST, all: [await exhaust(program, LEAST, 3_600_000)] })
  const half = performance.now() + (end - performance.now()) / (byChance.length > 0 ? 2 : 1)
  for (const [index, one] of exhausted.entries())
    await deepen(one, performance.now() + (half - performance.now()) / (exhausted.length - index))
  const rows = exhausted.map(({ program, bound, all }) => rowOf(program, all, { interruptionsMost: String(bound) }))
  for (const [index, program] of byChance.entries()) {
    const all = await wander(program, performance.now() + (end - performance.now()) / (byChance.length - index))
    rows.push(rowOf(program, all, { orders: all.reduce((sum, { orders }) => sum + orders, 0) }))
  }
  return rows
}

/** Optimised, for each step counts; and before the clock runs. @returns {Program[]} */
function built() {
  const env = { ...process.env, CARGO_PROFILE_DEV_OPT_LEVEL: '2' }
  const programs = builtTests({ of: 'os-ipc-models', env, args: ['--target-dir', 'target/models'] })
  if (typeof programs === 'string') throw new Complaint(`The models cannot be built: ${programs}`)
  return programs.filter(({ name }) => name !== 'os_ipc_models').sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** @param {string} name */
function isByChance(name) {
  return readFileSync(join(root, FOLDER, `${name}.rs`), 'utf8').includes('shuttle::')
}

/** More interruptions, as many as there is time for: what is not tried to its end does not count. @param {{ program: Program, bound: number, all: Tried[] }} one @param {number} end */
async function deepen(one, end) {
  for (let bound = LEAST + 1; bound <= MOST; bound++) {
    const last = /** @type {Tried} */ (one.all.at(-1))
    const left = end - performance.now()
    if (last.error !== '' || last.ms * STEEP > left) return
    const tried = await exhaust(one.program, bound, left)
    if (tried.late) {
      one.all.push({ ...tried, models: 0, mutations: 0 })
      return
    }
    one.all.push(tried)
    one.bound = bound
  }
}

/** @param {Program} program @param {number} end @returns {Promise<Tried[]>} */
async function wander(program, end) {
  /** @type {Tried[]} */
  const all = []
  let schedules = FEW
  do {
    const tried = await attempt(program, { OS_IPC_SCHEDULES: String(schedules) }, 3_600_000, `${schedules} orders each`)
    all.push(tried)
    if (tried.error !== '') break
    const left = Math.min(LONG, end - performance.now())
    schedules = Math.floor((schedules * left) / tried.ms)
  } while (schedules >= FEW)
  return all
}

/** @param {Program} program @param {number} bound @param {number} ms */
function exhaust(program, bound, ms) {
  return attempt(program, { OS_IPC_MODELS: String(bound) }, ms, `${bound} interruptions`)
}

/** @param {Program} program @param {Record<string, string>} how @param {number} ms @param {string} told @returns {Promise<Tried>} */
async function attempt({ name, file }, how, ms, told) {
  console.error(`${name}, ${told}`)
  const began = performance.now()
  const env = { ...process.env, ...how, RUST_BACKTRACE: '0' }
  const { status, output, late } = await watched(file, ['--show-output'], { env, ms })
  const passed = [...output.matchAll(/^test (\S+)( - should panic)? \.\.\. ok$/gm)]
  const mutations = passed.filter(([, , panics]) => panics).length
  const failed =
    status === 0 || late ? '' : `ended with ${status}\n${output.slice(output.lastIndexOf('\nfailures:\n\n---'))}`
  if (failed !== '') console.error(`✗ ${name}: ${failed.slice(0, 4000)}`)
  return {
    models: passed.length - mutations,
    mutations,
    orders: [...output.matchAll(/^(\d+) schedules$/gm)].reduce((sum, [, count]) => sum + Number(count), 0),
    ms: performance.now() - began,
    error: failed.slice(0, 4000),
    late,
  }
}

/** @param {Program} program @param {Tried[]} all @param {Record<string, number | string>} figures @returns {Row} */
function rowOf({ name }, all, figures) {
  const error = all.find((tried) => tried.error !== '')?.error
  const { models, mutations } = all[0]
  return {
    class: isByChance(name) ? 'shuttle' : 'loom',
    fault: 'R7',
    name,
    promise: `${OF[name] ?? name}: nothing is lost, doubled or waited for in vain, whatever the order; without one of its steps a model fails`,
    again: `--only ${name}`,
    runs: all.length,
    rounds: all.reduce((sum, tried) => sum + tried.models + tried.mutations, 0),
    seconds: all.reduce((sum, { ms }) => sum + ms, 0) / 1000,
    // As text: who runs it again has no more models for that.
    figures: { models: String(models), mutationsNoticed: String(mutations), ...figures },
    result: error === undefined ? 'passed' : 'failed',
    ...(error === undefined ? {} : { error }),
  }
}
