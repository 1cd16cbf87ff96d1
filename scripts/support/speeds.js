/** The speeds in README.md: a table made of a report, between two marks. */
import { glances } from '../../bench/lib/report/glance.js'
import { number } from '../../bench/lib/table.js'

const BEGIN = '<!-- speeds: written by scripts/screenshots.js -->'
const END = '<!-- end of speeds -->'

/** @typedef {import('../../bench/lib/report/collect.js').Report} Report */

/** @param {string} page @param {Report} report */
export function withSpeeds(page, report) {
  const [before, rest] = page.split(BEGIN)
  const [, after] = rest?.split(END) ?? []
  if (after === undefined) throw new Error(`the marks of the speeds are missing: ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n${speeds(report)}\n${END}${after}`
}

/** @param {Report} report */
export function speeds({ groups, machine, versions, settings }) {
  // Not round trips: what the pages measure beside them differs, and costs more than the transports do. They stand side by
  // side in the report, each beside those of its own page.
  const columns = glances(groups).filter(({ less }) => !less)
  const transports = [...new Set(columns.flatMap(({ values }) => values))]
    .sort((a, b) => Number(b.ours) - Number(a.ours))
    .map(({ transport, ours }) => ({ transport, ours }))
  const rows = [...new Map(transports.map((one) => [one.transport, one])).values()].map(({ transport, ours }) => {
    const cells = columns.map(({ values }) => cell(values.find((value) => value.transport === transport)))
    return `| ${[ours ? `**${transport}**` : transport, ...cells].join(' | ')} |`
  })
  const where = `${machine.processor}, ${machine.processors} processors, Linux ${machine.kernel}, Node ${versions.node}`
  return [
    `| | ${columns.map(({ title }) => title).join(' | ')} |`,
    `|---|${columns.map(() => '--:').join('|')}|`,
    ...rows,
    '',
    `${where}; medians of ${settings.runs} rounds, the other packages as in \`bench/package.json\`. On pipes and stdio a message is so many bytes.`,
  ].join('\n')
}

/** @param {import('../../bench/lib/report/glance.js').Best | undefined} value */
function cell(value) {
  if (value === undefined) return ''
  const { median, unit } = value
  if (unit !== 'messages/s') return `${number(median)} ${unit}`
  return median >= 1e6 ? `${(median / 1e6).toFixed(1)} M/s` : `${Math.round(median / 1000)} k/s`
}
