/** Runs the pages that were asked for. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runGroup } from './group.js'
import { business, cacheLine, machine } from './machine.js'
import { pinning } from './pin.js'
import { Progress } from './progress.js'
import { collect } from './report/collect.js'
import { writeReport } from './report/write.js'
import { rowsOf } from './rows.js'
import { parseSettings, usage } from './settings.js'
import { groupTable, number, summaryTable, targetTable } from './table.js'

const pagesDirectory = new URL('../pages/', import.meta.url)
const home = fileURLToPath(new URL('../', import.meta.url))

/** @param {string[]} argv @returns {Promise<number>} exit status: 1 where one of our own figures could not be taken */
export async function main(argv) {
  const settings = parseSettings(argv)
  const known = readdirSync(pagesDirectory)
    .filter((name) => name.endsWith('.js'))
    .map((name) => name.slice(0, -3))
    .sort()
  if (settings.help) {
    process.stdout.write(`${usage}\n\npages: ${known.join(', ')}\n`)
    return 0
  }
  const unknown = settings.pages.find((page) => !known.includes(page))
  if (unknown !== undefined) throw new RangeError(`there is no page '${unknown}': ${known.join(', ')}`)
  const pages = await Promise.all((settings.pages.length > 0 ? settings.pages : known).map(loadPage))
  const work = pages.map(({ name, groups }) => ({
    name,
    groups: groups(settings).filter((group) => group.name.includes(settings.only)),
  }))

  const steps = work.flatMap(({ groups }) => groups).reduce((sum, { contenders }) => sum + contenders.length, 0)
  const progress = new Progress(steps * (1 + settings.runs))
  process.stderr.write(`${machine()}, ${business()}\n`)
  const probes = [cacheLine(settings.runs)]
  printProbe(probes[0], settings.json)
  /** @type {import('./report/collect.js').ReportGroup[]} */
  const collected = []
  /** @type {import('./rows.js').Row[]} */
  const allRows = []
  let failed = false
  for (const { name, groups } of work) {
    /** @type {import('./rows.js').Row[]} */
    const rows = []
    for (const group of groups) {
      const measured = await runGroup(group, settings, progress)
      progress.clear()
      const fresh = rowsOf(name, group, measured)
      rows.push(...fresh)
      allRows.push(...fresh)
      collected.push(collect(name, group, measured))
      failed ||= measured.some(({ contender, failure }) => contender.ours && failure !== '')
      if (settings.json) for (const row of fresh) print(JSON.stringify(row))
      else print(`\n${groupTable(group, measured, pinning(group.pinning).text)}`.trimEnd())
    }
    if (!settings.json) print(`\n${targetTable(rows)}`.trimEnd())
    const probe = cacheLine(settings.runs)
    probes.push(probe)
    printProbe(probe, settings.json)
  }
  if (!settings.json) print(`\n${summaryTable(collected)}`.trimEnd())
  const folder = settings.report || (everything(settings) ? home : '')
  if (folder !== '') {
    const { runs, roundMs, quick } = settings
    const nanoseconds = probes.flatMap(({ value }) => (value === null ? [] : [value]))
    const measured = { settings: { runs, roundMs, quick }, cacheLine: nanoseconds, groups: collected, rows: allRows }
    for (const file of writeReport(folder, measured)) process.stderr.write(`${file}\n`)
  }
  return failed ? 1 : 0
}

/** @param {string} name @returns {Promise<{ name: string, groups: (settings: import('./settings.js').Settings) => import('./group.js').Group[] }>} */
async function loadPage(name) {
  const { groups } = await import(new URL(`${name}.js`, pagesDirectory).href)
  return { name, groups }
}

/** @param {import('./rows.js').Row} row @param {boolean} json */
function printProbe(row, json) {
  if (json) return print(JSON.stringify(row))
  const figure = row.value === null ? row.note : `${number(row.value)} ns (${row.runs.map(number).join(' ')})`
  print(`cache line, ${row.pinning} and back: ${figure}`)
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`)
}

/** A report of a part, or of a quick run, does not take the place of a whole one unasked. @param {import('./settings.js').Settings} settings */
function everything({ pages, only, quick }) {
  return pages.length === 0 && only === '' && !quick
}
