/**
 * What campaigns have come to, in docs/trust/NAME.json: rows, each with the run that it is of. What is run again replaces
 * what there was; at the same commit it is added to it, for it is the same that was tried for longer.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, release } from 'node:os'
import { basename, join } from 'node:path'
import { ask, root } from '../run.js'
import { gather } from './rows.js'

const FOLDER = join(root, 'docs/trust')

/**
 * @typedef {object} Run
 * @property {string} command
 * @property {string} date when it began
 * @property {number} seconds
 * @property {string} kernel
 * @property {string} runtime
 * @property {string} commit
 * @property {boolean} changed whether files differed from those of the commit
 * @property {number} cpus
 * @property {number} load of the last minutes, when it ended: what it made itself, and others
 *
 * @typedef {import('./rows.js').Row & { of: string[] }} Recorded
 * @typedef {{ campaign: string, runs: Record<string, Run>, rows: Recorded[] }} Recording
 */

/** Everything recorded. @returns {Recording[]} */
export function records() {
  mkdirSync(FOLDER, { recursive: true })
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => read(basename(name, '.json')))
}

/**
 * @param {string} name
 * @param {import('./rows.js').Row[]} rows
 * @param {ReturnType<typeof begin>} begun
 */
export function record(name, rows, begun) {
  const run = begun.end()
  const campaigns = new Set(rows.map(({ campaign }) => campaign ?? name))
  for (const campaign of campaigns) {
    const before = read(campaign)
    const own = rows.filter((row) => (row.campaign ?? name) === campaign)
    write(merge(before, own, run))
  }
}

/**
 * @param {Recording} before
 * @param {import('./rows.js').Row[]} rows
 * @param {Run} run
 * @returns {Recording}
 */
export function merge({ campaign, runs, rows: recorded }, rows, run) {
  const id = run.date
  const all = { ...runs, [id]: run }
  const merged = [...recorded]
  for (const { campaign: _, error, ...row } of rows) {
    const at = merged.findIndex((other) => other.class === row.class && other.name === row.name)
    const old = merged[at]
    const now = { ...row, seconds: Number(row.seconds.toFixed(1)), of: [id] }
    if (old === undefined) merged.push(now)
    else if (now.runs === 0 && old.runs > 0) continue
    else if (
      (old.result === now.result || row.cumulative) &&
      old.of.every((of) => all[of].commit === run.commit && !all[of].changed) &&
      !run.changed
    )
      merged[at] = row.cumulative ? { ...now, of: [...old.of, ...now.of] } : sum(old, now)
    else merged[at] = now
  }
  const used = new Set(merged.flatMap(({ of }) => of))
  const key = (/** @type {Recorded} */ row) => `${row.name} ${row.class}`
  return {
    campaign,
    runs: Object.fromEntries(Object.entries(all).filter(([of]) => used.has(of))),
    rows: merged.sort((a, b) => (key(a) < key(b) ? -1 : 1)),
  }
}

/** @param {Recorded} old @param {Recorded} more @returns {Recorded} */
function sum(old, more) {
  const figures = { ...old.figures }
  gather(figures, more.figures)
  return {
    ...more,
    runs: old.runs + more.runs,
    rounds: old.rounds + more.rounds,
    seconds: Number((old.seconds + more.seconds).toFixed(1)),
    figures,
    of: [...old.of, ...more.of],
  }
}

/**
 * What a run says of itself, as it begins: files may change while it goes on.
 * @param {string[]} args
 */
export function begin(args) {
  const ours = ['.', ':!docs/trust', ':!docs/trust.md', ':!docs/images']
  const start = performance.now()
  const run = {
    command: ['npm run campaign --', ...args.filter((arg) => arg !== '--record' && arg !== '--json')].join(' '),
    date: new Date().toISOString().replace(/\.\d+/, ''),
    kernel: `Linux ${release()}`,
    runtime: `Node ${process.versions.node}`,
    commit: ask('git', ['-C', root, 'rev-parse', '--short=10', 'HEAD']) ?? 'unknown',
    changed: ask('git', ['-C', root, 'status', '--porcelain', '--', ...ours]) !== '',
    cpus: availableParallelism(),
  }
  /** @returns {Run} */
  const end = () => ({
    ...run,
    seconds: Math.round((performance.now() - start) / 1000),
    load: Number(loadavg()[1].toFixed(1)),
  })
  return { end }
}

/** @param {string} campaign @returns {Recording} */
function read(campaign) {
  try {
    return JSON.parse(readFileSync(join(FOLDER, `${campaign}.json`), 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    return { campaign, runs: {}, rows: [] }
  }
}

/** A line for each run and each row, so that what has changed can be read. @param {Recording} recorded */
function write({ campaign, runs, rows }) {
  mkdirSync(FOLDER, { recursive: true })
  const runLines = Object.entries(runs).map(([id, run]) => `${JSON.stringify(id)}: ${JSON.stringify(run)}`)
  const rowLines = rows.map((row) => JSON.stringify(row))
  const text = `{\n"campaign": ${JSON.stringify(campaign)},\n"runs": {\n${runLines.join(',\n')}\n},\n"rows": [\n${rowLines.join(',\n')}\n]\n}\n`
  writeFileSync(join(FOLDER, `${campaign}.json`), text)
}
