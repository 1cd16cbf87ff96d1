/** Rows for people. */
import { isLess } from './report/order.js'
import { median } from './stats.js'

/** @param {string[]} head @param {string[][]} lines @returns {string} first column to the left, the others to the right */
export function table(head, lines) {
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column].length)))
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column], column > 1))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** @param {string} text @param {number} width @param {boolean} right */
const pad = (text, width, right) => (right ? text.padStart(width) : text.padEnd(width))

/** Four significant digits, with thousands apart. @param {number} value */
export function number(value) {
  const digits = value === 0 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 4), useGrouping: value >= 10_000 })
}

/**
 * One table for a group: who took how long, and how that stands to the others.
 *
 * @param {import('./group.js').Group} group
 * @param {import('./group.js').Measured[]} measured
 * @param {string} pinning
 */
export function groupTable(group, measured, pinning) {
  const best = measured.find(({ contender, failure }) => contender.ours && failure === '')
  const head = ['', 'waits', ...group.metrics.flatMap(({ figure, unit }) => [`${figure}, ${unit}`, 'spread', 'ratio'])]
  const lines = measured
    .filter(({ failure }) => failure === '')
    .map(({ contender, runs }) => [
      `${contender.ours ? '*' : ' '} ${contender.name}`,
      contender.waits,
      ...group.metrics.flatMap((metric) => {
        const values = runs.get(metric) ?? []
        const first = best?.runs.get(metric) ?? []
        return [number(median(values)), spread(values), first.length ? number(median(first) / median(values)) : '']
      }),
    ])
  const ratio = best ? `\nratio: ${best.contender.name} to this row` : ''
  const absent = measured.filter(({ failure }) => failure !== '')
  const reasons = absent.map(({ contender, failure }) => `\n! ${contender.name}: ${failure}`).join('')
  return `${group.name} (${pinning})\n${table(head, lines)}${ratio}${reasons}\n`
}

/** @param {number[]} values */
const spread = (values) => `${number(Math.min(...values))}–${number(Math.max(...values))}`

/** @param {import('./rows.js').Row[]} rows */
export function targetTable(rows) {
  const aimed = rows.filter(({ target }) => target !== null)
  if (aimed.length === 0) return ''
  const lines = aimed.map((row) => [
    `${row.figure}, ${row.size}: ${row.transport}${row.peer === null ? '' : ` / ${row.peer}`}`,
    row.reached === null ? 'not measured' : row.reached ? 'reached' : 'NOT reached',
    ...aimedFigure(row),
  ])
  return `targets\n${table(['', '', 'figure', 'target', 'by round'], lines)}\n`
}

/** What the target is about: a ratio, or where it names a unit our figure itself. @param {import('./rows.js').Row} row */
function aimedFigure(row) {
  const target = row.target ?? ''
  const own = row.unit !== '' && target.endsWith(row.unit)
  const figure = own ? row.value : row.ratio
  return [figure === null ? '' : number(figure), target, own ? spread(row.runs) : pairs(row)]
}

/** The ratio round by round: how far the verdict can be trusted. @param {import('./rows.js').Row} row */
function pairs({ runs, peerRuns }) {
  const ratios = runs.slice(0, peerRuns.length).map((value, index) => value / peerRuns[index])
  return ratios.length > 0 ? spread(ratios) : ''
}

/**
 * The last table: of each group's first figure our best beside the others' best.
 *
 * @param {import('./report/collect.js').ReportGroup[]} groups
 */
export function summaryTable(groups) {
  const lines = groups.flatMap((group) => {
    const [figure] = group.values.map((value) => value.figure)
    const values = group.values.filter((value) => value.figure === figure)
    const less = isLess(values[0]?.unit ?? '')
    const best = (/** @type {boolean} */ ours) =>
      values
        .filter(({ contender }) => group.contenders.some((party) => party.name === contender && party.ours === ours))
        .sort((a, b) => (less ? a.median - b.median : b.median - a.median))[0]
    const [own, other] = [best(true), best(false)]
    if (!own) return []
    const told = (/** @type {typeof own | undefined} */ value) => (value ? `${number(value.median)} ${value.unit}` : '')
    return [
      [
        `${group.page}: ${group.name}`,
        own.contender,
        told(own),
        other?.contender ?? '',
        told(other),
        other ? number(own.median / other.median) : '',
      ],
    ]
  })
  return `${table(['the best of each group', 'of ours', '', 'of the others', '', 'ratio'], lines)}\n`
}
