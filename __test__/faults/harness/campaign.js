/** The campaigns that are rows of faults: rows of one of them, again and again with new seeds, for as long as asked. */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { gather } from '../../../scripts/support/trust/rows.js'
import { extras } from '../../support/extras.js'
import { runRow } from './run.js'
import { CAMPAIGNS, choose, loadRows } from './table.js'

export { goals } from './goals.js'

export const campaigns = { ...CAMPAIGNS, all: 'all of these, one after the other' }

/** Milliseconds: the shortest and the longest time for one run of a row. */
const [SHORTEST, LONGEST] = [1500, 30_000]

/**
 * @param {string} name
 * @param {{ minutes: number, seed?: number, rest: string[] }} asked
 * @returns {Promise<import('../../../scripts/support/trust/campaigns.js').Prepared>}
 */
export async function prepare(name, { minutes, seed, rest }) {
  const string = { type: /** @type {const} */ ('string') }
  const { values, positionals } = parseArgs({
    args: rest,
    options: { class: string, fault: string, jobs: string },
    allowPositionals: true,
  })
  if (positionals.length > 0) throw new Error('exactly one campaign is wanted')
  const jobs = Number(values.jobs ?? availableParallelism())
  if (!(Number.isInteger(jobs) && jobs > 0)) throw new Error(`--jobs ${values.jobs} is no number of rows`)
  const wanted = { campaign: name === 'all' ? undefined : name, kind: values.class, fault: values.fault }
  const rows = choose(await loadRows(), wanted)
  if (rows.length === 0) throw new Error('no row is like that')
  const run = async () => (await runAll(rows, { ms: minutes * 60_000, seed, jobs })).map(report)
  return Object.assign(run, { faultInject: rows.some(({ fault }) => fault.faultInject) })
}

/**
 * @param {import('./table.js').Row[]} rows
 * @param {{ ms: number, seed?: number, jobs: number }} how
 */
async function runAll(rows, { ms, seed, jobs }) {
  const results = rows.map((row) => ({
    row,
    rounds: 0,
    seconds: 0,
    runs: 0,
    figures: {},
    state: stateOf(row),
    error: '',
  }))
  const end = performance.now() + ms
  const shares = rows.reduce((sum, { fault }) => sum + (fault.alone ? jobs : 1), 0)
  const share = Math.max(SHORTEST, Math.min(ms, (ms * jobs) / shares))
  const sliceOf = ({ fault }) => Math.min(fault.longest ?? LONGEST, share)
  const isOver = () => performance.now() + Math.min(LONGEST, share) / 2 > end
  for (let pass = 0; pass === 0 || !isOver(); pass++) {
    const able = results.filter(({ state }) => state === 'passed' || state === '')
    if (able.length === 0) break
    const alone = able.filter(({ row }) => row.fault.alone)
    const together = able.filter(({ row }) => !row.fault.alone)
    const work = async (list) => {
      for (let result = list.shift(); result !== undefined; result = list.shift()) {
        // Everyone has a turn, however short the time.
        if (pass > 0 && isOver()) return
        const chosen = pass === 0 && seed !== undefined ? seed : Math.floor(Math.random() * 0x1_0000_0000)
        await runOnce(result, sliceOf(result.row), chosen, end)
      }
    }
    await Promise.all(Array.from({ length: jobs }, () => work(together)))
    await work(alone)
  }
  progress('')
  return results
}

async function runOnce(result, ms, seed, end) {
  const { row } = result
  const left = Math.max(0, Math.round((end - performance.now()) / 1000))
  progress(`${row.fault.id} ${row.name}, ${row.kind.name}, seed ${seed} (${left} s left)`)
  const outcome = await runRow(row, { ms, seed })
  result.runs++
  result.rounds += outcome.rounds
  result.seconds += outcome.seconds
  result.state = outcome.passed ? 'passed' : 'failed'
  gather(result.figures, outcome.figures)
  if (!outcome.passed) {
    result.error = outcome.error
    result.seed = seed
    progress('')
    process.stderr.write(`✗ ${row.fault.id} ${row.kind.name}: ${repeat(row, seed, ms)}\n${outcome.error}\n`)
  }
}

/** The command that runs a row again just so. */
export function repeat(row, seed, ms) {
  const { campaign: name } = row.fault
  const minutes = (ms / 60_000).toPrecision(3)
  return `npm run campaign -- ${name} --class ${row.kind.name} --fault ${row.name} --seed ${seed} --minutes ${Number(minutes)}`
}

/** Why a row cannot be run here, or '' if it can. */
function stateOf({ fault }) {
  const missing = (fault.needs ?? []).filter((name) => !extras.find((extra) => extra.name === name)?.probe())
  return missing.length === 0 ? '' : `left out: needs ${missing.join(', ')}`
}

/** One line that is written over, on a terminal; lines elsewhere. */
function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else if (line !== '') process.stderr.write(`${line}\n`)
}

function report({ row, rounds, runs, seconds, figures, state, seed, error }) {
  return {
    class: row.kind.name,
    fault: row.fault.id,
    name: row.name,
    promise: row.fault.promise,
    campaign: row.fault.campaign,
    runs,
    rounds,
    seconds: Number(seconds.toFixed(1)),
    figures,
    result: state || 'not run',
    ...(state === 'failed' ? { seed, error } : {}),
  }
}
