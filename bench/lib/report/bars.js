/** One figure of several contenders: a bar for each with its spread, the best first. */
import { escaped } from './chart.js'
import { isLess } from './order.js'

/** @typedef {import('./collect.js').ReportGroup} ReportGroup */
/** @typedef {import('./collect.js').Figure & { contender: string, waits: string, ours: boolean }} Bar */

/** @param {ReportGroup} group @param {string} figure @param {(value: number) => string} number */
export function bars(group, figure, number) {
  const values = group.values.filter((value) => value.figure === figure)
  const [{ unit }] = values
  const rows = values.map((value) => {
    const party = group.contenders.find(({ name }) => name === value.contender)
    return { ...value, waits: party?.waits ?? '', ours: party?.ours ?? false }
  })
  const less = isLess(unit)
  rows.sort((a, b) => (less ? a.median - b.median : b.median - a.median))
  const failed = group.contenders
    .filter(({ failure }) => failure)
    .map(
      ({ name, failure = '' }) =>
        `<tr class="peer"><th scope="row">${escaped(name)}</th><td colspan="4">not measured: ${escaped(failure)}</td></tr>`,
    )
  return barTable(`${figure}, ${unit || 'ratio'}`, unit, rows, number, failed)
}

/**
 * @param {string} title
 * @param {string} unit
 * @param {Bar[]} rows the best first
 * @param {(value: number) => string} number
 * @param {string[]} [more] rows below
 */
export function barTable(title, unit, rows, number, more = []) {
  const most = Math.max(...rows.map(({ greatest }) => greatest))
  const best = rows[0].median
  const shown = rows.map(({ contender, waits, ours, median, least, greatest, runs }) => {
    const at = (/** @type {number} */ value) => `${((value / most) * 100).toFixed(2)}%`
    const ratio = best > 0 ? number(median / best) : ''
    return `<tr class="${ours ? 'ours' : 'peer'}"><th scope="row">${escaped(contender)}<small>${escaped(waits)}</small></th><td class="bar" title="${escaped(runs.map(number).join(', '))}"><i style="width:${at(median)}"></i><b style="left:${at(least)};width:${at(greatest - least)}"></b></td><td>${number(median)}</td><td>${number(least)} to ${number(greatest)}</td><td>${ratio}</td></tr>`
  })
  const better = rows.length < 2 ? '' : ` <small>${isLess(unit) ? 'less' : 'more'} is better</small>`
  return `<table><caption>${escaped(title)}${better}</caption><thead><tr><th></th><th></th><th>median</th><th>spread</th><th title="to the first row">ratio</th></tr></thead><tbody>${[...shown, ...more].join('\n')}</tbody></table>`
}
