/** docs/trust.md, of what campaigns have come to. Every figure in it is from there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../run.js'
import { loadCampaigns } from './campaigns.js'
import { records } from './record.js'
import { checked, gather } from './rows.js'

const PAGE = join(root, 'docs/trust.md')

const BEGIN = `<!-- Written by \`npm run campaign\` of docs/trust/*.json; changes are made in scripts/support/trust/page.js. -->

# Trust

What os-ipc promises of faults is tried by campaigns: processes are killed, waits are given up, system calls fail, peers write
rubbish, for as long as you like. This page is what they came to the last time, each row with the command that runs it again on your
machine, in a clone of the repository. Short forms of all of them but coverage are part of \`npm test\`. A figure that was not
reached stands here as it is; what is not in a table was not tried.

- A **round** is one trial, whatever that is for the row; what was counted stands beside it.
- What took milliseconds is the worst that any run has seen, on a machine that the campaign itself kept busy.
- A row is of the commit named with its run, and says nothing of a later one.
`

/** @param {import('./record.js').Recording[]} recorded @param {import('./campaigns.js').Campaign[]} campaigns */
export function render(recorded, campaigns) {
  const parts = [BEGIN]
  const known = campaigns.filter(({ name }) => recorded.some(({ campaign }) => campaign === name))
  parts.push(`## What was asked, and what was reached\n\n${goalTable(known, recorded)}`)
  for (const { name, about, ofRows } of known) {
    const { rows, runs } = /** @type {import('./record.js').Recording} */ (
      recorded.find(({ campaign }) => campaign === name)
    )
    parts.push(
      `## ${name}\n\n${sentence(about)}\n\n${picturesOf(name)}${rowTable({ name, ofRows }, rows, runs)}\n\n${runTable(runs)}`,
    )
  }
  return `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`
}

/** @param {string} text */
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`

/** The chart that a campaign has drawn. @param {string} name */
function picturesOf(name) {
  const [light, dark] = ['light', 'dark'].map((theme) => `images/${name}-${theme}.svg`)
  try {
    readFileSync(join(root, 'docs', light))
  } catch {
    return ''
  }
  return `<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="${dark}">\n  <img src="${light}" alt="${name} over time">\n</picture>\n\n`
}

/** @param {import('./campaigns.js').Campaign[]} campaigns @param {import('./record.js').Recording[]} recorded */
function goalTable(campaigns, recorded) {
  const lines = campaigns.flatMap(({ name, goals }) => {
    const { rows, runs } = /** @type {import('./record.js').Recording} */ (
      recorded.find(({ campaign }) => campaign === name)
    )
    const ran = rows.filter(({ runs: times }) => times > 0)
    const failed = ran.some((row) => row.result === 'failed')
    const seconds = Object.values(runs).reduce((sum, run) => sum + run.seconds, 0)
    return goals.map(({ goal, target, atMost, reached }) => {
      const value = reached(ran)
      const result =
        value === undefined ? 'not tried' : (atMost ? value <= target : value >= target) ? '✓' : 'not reached'
      return [
        ...[goal, `${atMost ? 'at most ' : ''}${count(target)}`, value === undefined ? '' : count(value)],
        ...[`[${name}](#${name})`, duration(seconds), failed ? '✗ a row failed' : result],
      ]
    })
  })
  return markdown(['', 'asked', 'reached', 'campaign', 'ran for', ''], lines)
}

/** @param {{ name: string, ofRows: boolean }} campaign @param {import('./record.js').Recorded[]} rows @param {Record<string, import('./record.js').Run>} runs */
function rowTable({ name, ofRows }, rows, runs) {
  const faults = new Map()
  for (const row of rows) {
    const list = faults.get(row.name) ?? []
    list.push(row)
    faults.set(row.name, list)
  }
  const lines = [...faults].map(([fault, list]) => {
    /** @type {Record<string, any>} */
    const figures = {}
    for (const row of list) gather(figures, row.figures)
    const total = (/** @type {'rounds' | 'seconds'} */ key) =>
      list.reduce((/** @type {number} */ sum, /** @type {import('./rows.js').Row} */ row) => sum + row[key], 0)
    const commits = new Set(
      list.flatMap((/** @type {import('./record.js').Recorded} */ { of }) => of.map((id) => commitOf(runs[id]))),
    )
    return [
      list[0].promise,
      list.map((/** @type {import('./rows.js').Row} */ row) => row.class).join(', '),
      `\`npm run campaign -- ${[name, ofRows ? `--fault ${fault}` : (list[0].again ?? '')].join(' ').trim()}\``,
      duration(total('seconds')),
      count(total('rounds')),
      checked(figures),
      resultOf(list),
      [...commits].join(', '),
    ]
  })
  return markdown(['promise', 'tried on', 'command', 'ran for', 'rounds', 'checked', 'result', 'commit'], lines)
}

/** @param {import('./rows.js').Row[]} rows */
function resultOf(rows) {
  const others = rows.filter(({ result }) => result !== 'passed')
  if (others.length === 0) return '✓'
  return others.map(({ class: kind, result }) => `${result === 'failed' ? '✗ ' : ''}${kind}: ${result}`).join(', ')
}

/** @param {Record<string, import('./record.js').Run>} runs */
function runTable(runs) {
  const lines = Object.values(runs).map((run) => [
    `\`${run.command}\``,
    run.date.replace('T', ' ').replace(/:\d+Z$/, ''),
    duration(run.seconds),
    run.kernel,
    run.runtime,
    `${run.cpus} CPUs, load ${run.load}`,
    commitOf(run),
  ])
  return markdown(['run', 'began (UTC)', 'took', 'kernel', 'runtime', 'machine', 'commit'], lines)
}

/** @param {import('./record.js').Run} run */
const commitOf = ({ commit, changed }) => `\`${commit}\`${changed ? ' and changes' : ''}`

/** @param {number} number */
const count = (number) => number.toLocaleString('en', { maximumFractionDigits: 2 })

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** @param {string[]} head @param {string[][]} lines */
function markdown(head, lines) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---|').join('')}`, ...lines.map(line)].join('\n')
}

export async function writePage() {
  writeFileSync(PAGE, render(records(), await loadCampaigns()))
}

/** For lint. @returns {Promise<string[]>} */
export async function stalePage() {
  const wanted = render(records(), await loadCampaigns())
  return readFileSync(PAGE, 'utf8') === wanted
    ? []
    : ['docs/trust.md is stale: `npm run campaign -- --page` writes it, then commit it']
}
