/** Models of whatever has no lock, or wakes somebody: every order of two threads' steps (loom), or as many as there is time for (shuttle). */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, show } from '../support/run.js'

export const about = 'models of everything lock-free or with a wake-up: loom, exhaustively, and shuttle, by chance'

/** @typedef {import('../support/trust/rows.js').Row} Row */

const FOLDER = 'core/models/tests'
/** How often loom interrupts a thread: each one more takes ten times as long. */
const BOUND = 3
/** Orders that shuttle tries of each model in a minute, about. */
const RATE = 10_000

export const goals = [
  {
    goal: 'orders of steps that chance has chosen',
    target: 1e6,
    reached: (/** @type {Row[]} */ rows) => rows.reduce((sum, { figures }) => sum + (figures.orders ?? 0), 0),
  },
]

/** @param {import('../support/trust/campaigns.js').Asked} asked @returns {Promise<Row[]>} */
export async function run({ minutes }) {
  const files = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.rs'))
  /** @type {Row[]} */
  const rows = []
  for (const file of files.sort()) {
    const byChance = readFileSync(join(root, FOLDER, file), 'utf8').includes('shuttle::')
    rows.push(await one(basename(file, '.rs'), byChance, minutes))
  }
  return rows
}

/** @param {string} name @param {boolean} byChance @param {number} minutes @returns {Promise<Row>} */
async function one(name, byChance, minutes) {
  const schedules = Math.max(1000, Math.round(RATE * minutes))
  const env = byChance ? { OS_IPC_SCHEDULES: String(schedules) } : { OS_IPC_MODELS: String(BOUND) }
  const began = performance.now()
  const command = ['test', '--package', 'os-ipc-models', '--test', name, '--', '--show-output']
  const { status, output } = await show('cargo', command, { env: { ...process.env, ...env } })
  const passed = [...output.matchAll(/^test (\S+)( - should panic)? \.\.\. ok$/gm)]
  const mutations = passed.filter(([, , panics]) => panics).length
  const orders = [...output.matchAll(/^(\d+) schedules$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
  const failed = /^test \S+.* \.\.\. FAILED$/m.exec(output)?.[0] ?? `cargo ended with ${status}`
  return {
    class: name,
    fault: 'R7',
    name: byChance ? 'shuttle' : 'loom',
    promise:
      'nothing is lost, doubled or waited for in vain, whatever the order; each model fails without one of its steps',
    runs: 1,
    rounds: passed.length,
    seconds: (performance.now() - began) / 1000,
    figures: {
      models: passed.length - mutations,
      mutationsNoticed: mutations,
      ...(byChance ? { orders } : { interruptionsMost: BOUND }),
    },
    result: status === 0 ? 'passed' : 'failed',
    ...(status === 0 ? {} : { error: failed }),
  }
}
