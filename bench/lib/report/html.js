/** The report as one page that needs nothing else: no script, no font, no file beside it. */
import { number } from '../table.js'
import { bars, barTable } from './bars.js'
import { escaped, lineChart } from './chart.js'
import { CPU } from './collect.js'
import { glances } from './glance.js'
import { bytesOf, perSecond } from './sizes.js'
import { style } from './style.js'

/**
 * @typedef {import('./collect.js').Report} Report
 * @typedef {import('./collect.js').ReportGroup} ReportGroup
 * @typedef {import('./chart.js').Series} Series
 */

/** @param {Report} report */
export function html(report) {
  const pages = [...new Set(report.groups.map(({ page }) => page))]
  const about = { taken: report.taken, ...report.machine }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>os-ipc: the benchmark</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>os-ipc: the benchmark</h1>
<p>${escaped(report.settings.quick ? 'A quick run: it shows that everything runs and proves no figure.' : `Medians of ${report.settings.runs} rounds, measured in turns; the spread is from the least to the greatest round.`)} Figures belong to this machine and moment: read how the contenders of one chart stand to each other.</p>
<dl>${facts(about)}<div><dt>a cache line to the other CPU and back, ns</dt><dd>${escaped(report.cacheLine.map(number).join(', ') || 'not measured')}</dd></div></dl>
<dl class="versions">${facts(report.versions)}</dl>
<nav>${pages.map((page) => `<a href="#${escaped(page)}">${escaped(page)}</a>`).join(' ')}</nav>
</header>
<main>
${glance(report.groups)}
${pages
  .map((page) =>
    section(
      page,
      report.groups.filter((group) => group.page === page),
    ),
  )
  .join('\n')}
</main>
</body>
</html>
`
}

/** @param {Record<string, string | number>} named */
function facts(named) {
  return Object.entries(named)
    .map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(String(value))}</dd></div>`)
    .join('')
}

/** @param {ReportGroup[]} groups */
function glance(groups) {
  const tables = glances(groups).map(({ title, values }) => {
    const [{ unit }] = values
    const rows = values.map((value) => ({ ...value, contender: value.ours ? value.transport : value.contender }))
    return barTable(`${title}, ${unit}`, unit, rows, number)
  })
  if (tables.length === 0) return ''
  return `<section><h2>At a glance</h2><p>The best way of each transport to wait by a promise, beside others that do not block either. Who blocks, polls or spins, and C, stand with their groups below.</p>${tables.join('\n')}</section>`
}

/** @param {string} page @param {ReportGroup[]} groups */
function section(page, groups) {
  const charts = [
    chart(
      'Latency by size: round trip, p50',
      seriesOf(groups, 'round trip p50', (value) => value),
      time,
    ),
    chart('Throughput by size: bytes a second', seriesOf(groups, 'throughput', perSecond), rate),
    chart(
      'CPU by message, both sides: one way',
      seriesOf(groups, CPU, (value) => value, 'throughput'),
      time,
    ),
    chart(
      'CPU by round trip, both sides',
      seriesOf(groups, CPU, (value) => value, 'round trip'),
      time,
    ),
  ]
  const details = groups.map(
    (group) => `<details><summary>${escaped(group.name)} <small>${escaped(group.pinning)}</small></summary>
${
  figuresOf(group)
    .map((figure) => bars(group, figure, number))
    .join('\n') || '<p>Nothing could be measured.</p>'
}</details>`,
  )
  return `<section id="${escaped(page)}"><h2>${escaped(page)}</h2>${charts.join('\n')}<h3>Each group</h3>${details.join('\n')}</section>`
}

/** @param {string} title @param {Series[]} series @param {(value: number) => string} unit */
function chart(title, series, unit) {
  if (series.length === 0) return ''
  return `<figure><figcaption>${escaped(title)}</figcaption>${lineChart(title, series, unit)}</figure>`
}

/**
 * One for each contender; of a figure at one size alone there is nothing to draw.
 * @param {ReportGroup[]} groups
 * @param {string} figure
 * @param {(value: number, unit: string, bytes: number) => number | undefined} of
 * @param {string} [begins] of groups whose name begins so
 * @returns {Series[]}
 */
function seriesOf(groups, figure, of, begins = '') {
  /** @type {Map<string, Series>} */
  const series = new Map()
  // The same in every chart of a page.
  const parties = groups.flatMap(({ contenders }) => contenders).sort((a, b) => Number(b.ours) - Number(a.ours))
  const looks = [...new Set(parties.map(({ name }) => name))]
  for (const group of groups) {
    const x = bytesOf(group.size)
    if (x === undefined || !group.name.includes(begins)) continue
    for (const { figure: its, unit, contender, ...value } of group.values) {
      const [y, least, greatest] = [value.median, value.least, value.greatest].map((one) => of(one, unit, x))
      if (its !== figure || !y || !least || !greatest) continue
      const ours = group.contenders.some(({ name, ours }) => name === contender && ours)
      const one = series.get(contender) ?? { name: contender, ours, look: looks.indexOf(contender), points: [] }
      series.set(contender, one)
      one.points.push({ x, y, least, greatest })
    }
  }
  const all = [...series.values()]
  for (const { points } of all) points.sort((a, b) => a.x - b.x)
  // The legend from top to bottom, as the lines end.
  all.sort((a, b) => Number(b.ours) - Number(a.ours) || (b.points.at(-1)?.y ?? 0) - (a.points.at(-1)?.y ?? 0))
  return new Set(all.flatMap(({ points }) => points.map(({ x }) => x))).size > 1 ? all : []
}

/** @param {ReportGroup} group */
function figuresOf(group) {
  return [...new Set(group.values.map(({ figure }) => figure))]
}

/** @param {number} value */
function rate(value) {
  for (const [unit, size] of /** @type {const} */ ([
    ['GB/s', 1e9],
    ['MB/s', 1e6],
    ['kB/s', 1e3],
  ])) {
    if (value >= size) return `${number(value / size)} ${unit}`
  }
  return `${number(value)} B/s`
}

/** @param {number} value in microseconds */
function time(value) {
  if (value >= 1e6) return `${number(value / 1e6)} s`
  return value >= 1000 ? `${number(value / 1000)} ms` : `${number(value)} µs`
}
