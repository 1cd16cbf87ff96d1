/** One figure of one group: a bar for each contender, with its spread. */
import { escaped } from './chart.js'

/** @typedef {import('./collect.js').ReportGroup} ReportGroup */

/** @param {ReportGroup} group @param {string} figure @param {(value: number) => string} number */
export function bars(group, figure, number) {
  const values = group.values.filter((value) => value.figure === figure)
  const most = Math.max(...values.map(({ greatest }) => greatest))
  const [{ unit }] = values
  const rows = values.map(({ contender, median, least, greatest, runs }) => {
    const party = group.contenders.find(({ name }) => name === contender)
    const at = (/** @type {number} */ value) => `${((value / most) * 100).toFixed(2)}%`
    return `<tr class="${party?.ours ? 'ours' : 'peer'}"><th scope="row">${escaped(contender)}<small>${escaped(party?.waits ?? '')}</small></th><td class="bar" title="${escaped(runs.map(number).join(', '))}"><i style="width:${at(median)}"></i><b style="left:${at(least)};width:${at(greatest - least)}"></b></td><td>${number(median)}</td><td>${number(least)} to ${number(greatest)}</td></tr>`
  })
  const failed = group.contenders
    .filter(({ failure }) => failure)
    .map(
      ({ name, failure = '' }) =>
        `<tr class="peer"><th scope="row">${escaped(name)}</th><td colspan="3">not measured: ${escaped(failure)}</td></tr>`,
    )
  return `<table><caption>${escaped(`${figure}, ${unit || 'ratio'}`)}</caption><thead><tr><th></th><th></th><th>median</th><th>spread</th></tr></thead><tbody>${[...rows, ...failed].join('\n')}</tbody></table>`
}
