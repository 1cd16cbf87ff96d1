/** `npm run campaign`: rows of one campaign, again and again with new seeds, for as long as asked. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { extras } from '../../support/extras.js'
import { runRow } from './run.js'
import { CAMPAIGNS, choose, loadRows } from './table.js'

const USAGE = `npm run campaign -- NAME [options]

NAME            ${CAMPAIGNS.join(', ')}, or all
--minutes N     how long in all (1)
--class C       only this class, or these: C,D
--fault F       only this fault: its number, as in G4, or the name of its file
--seed S        begin with this seed, as a failure has printed it
--json          one line of JSON for each row, on stdout`

/** Milliseconds: the shortest and the longest time for one run of a row. */
const [SHORTEST, LONGEST] = [1500, 30_000]

/**
 * @param {string[]} args
 * @param {() => void} prepare what is to be done before rows are run
 * @returns {Promise<number>} the exit status
 */
export async function campaign(args, prepare) {
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`)
    return 0
  }
  const wanted = parse(args)
  if (wanted === undefined) return 2
  const rows = choose(await loadRows(), wanted)
  if (rows.length === 0) return refuse('no row is like that', 2)
  prepare()
  return report(await runAll(rows, wanted), wanted)
}

/** @param {string[]} args */
function parse(args) {
  const string = { type: /** @type {const} */ ('string') }
  const boolean = { type: /** @type {const} */ ('boolean'), default: false }
  const options = { minutes: string, class: string, fault: string, seed: string, json: boolean }
  let given
  try {
    given = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    return refuse(error.message)
  }
  const { values, positionals } = given
  const [name] = positionals
  const minutes = Number(values.minutes ?? 1)
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  if (positionals.length !== 1) return refuse('exactly one campaign is wanted')
  if (name !== 'all' && !CAMPAIGNS.includes(name)) return refuse(`there is no campaign '${name}'`)
  if (!(minutes > 0)) return refuse(`--minutes ${values.minutes} is no time`)
  if (seed !== undefined && !Number.isInteger(seed)) return refuse(`--seed ${values.seed} is no whole number`)
  const { class: kind, fault, json } = values
  return { campaign: name === 'all' ? undefined : name, ms: minutes * 60_000, kind, fault, seed, json }
}

/** @param {string} why @param {any} [result] */
function refuse(why, result) {
  process.stderr.write(`campaign: ${why}\n\n${USAGE}\n`)
  return result
}

/** @param {import('./table.js').Row[]} rows */
async function runAll(rows, { ms, seed }) {
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
  const slice = Math.min(LONGEST, Math.max(SHORTEST, ms / rows.length))
  const isOver = () => performance.now() + slice / 2 > end
  for (let pass = 0; pass === 0 || !isOver(); pass++) {
    const able = results.filter(({ state }) => state === 'passed' || state === '')
    if (able.length === 0) break
    for (const result of able) {
      // Everyone has a turn, however short the time.
      if (pass > 0 && isOver()) break
      await runOnce(
        result,
        slice,
        pass === 0 && seed !== undefined ? seed : Math.floor(Math.random() * 0x1_0000_0000),
        end,
      )
    }
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

/** Counts are added up, figures with a unit or an average are kept at their worst, all else as it was last. */
export function gather(figures, more) {
  for (const [name, value] of Object.entries(more)) {
    const number = Number(value)
    const counts = typeof value === 'number' && !/(Ms|Each|Bytes|More|Most)$/.test(name)
    if (counts) figures[name] = (figures[name] ?? 0) + value
    else if (Number.isNaN(number)) figures[name] = value
    else figures[name] = Math.max(figures[name] ?? number, number)
  }
}

/** One line that is written over, on a terminal; lines elsewhere. */
function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else if (line !== '') process.stderr.write(`${line}\n`)
}

function report(results, { json }) {
  const lines = results.map(({ row, rounds, runs, seconds, figures, state, seed, error }) => ({
    class: row.kind.name,
    fault: row.fault.id,
    name: row.name,
    promise: row.fault.promise,
    runs,
    rounds,
    seconds: Number(seconds.toFixed(1)),
    figures,
    result: state || 'not run',
    ...(state === 'failed' ? { seed, error } : {}),
  }))
  if (json) for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`)
  else process.stdout.write(`${table(lines)}\n`)
  return lines.some(({ result }) => result === 'failed') ? 1 : 0
}

function table(lines) {
  const head = ['class', 'fault', '', 'runs', 'rounds', 'seconds', 'result', 'checked']
  const cells = lines.map(({ class: kind, fault, name, runs, rounds, seconds, result, figures }) => [
    ...[kind, fault, name.replace(/^\w+-/, ''), String(runs), rounds.toLocaleString('en'), seconds.toFixed(1)],
    ...[result === 'passed' ? '✓' : result === 'failed' ? '✗ failed' : result, checked(figures)],
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i].length)))
  const isNumber = (i) => i >= 3 && i <= 5
  const line = (row) =>
    row.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]) : cell.padEnd(i === 7 ? 0 : widths[i]))).join('  ')
  return [head, ...cells].map(line).join('\n')
}

/** `{ sentTwice: 1200 }` as "1,200 sent twice". */
function checked(figures) {
  const words = (name) => name.replace(/[A-Z]+/g, (capitals) => ` ${capitals.toLowerCase()}`)
  const show = (value) => (typeof value === 'number' ? value.toLocaleString('en') : value)
  return Object.entries(figures)
    .map(([name, value]) => `${show(value)} ${words(name)}`)
    .join(', ')
}
