/** What a campaign comes to: a row for each fault of each class. */

/**
 * @typedef {object} Row
 * @property {string} class what is tried
 * @property {string} fault a short name, as in G4
 * @property {string} name of the fault: no two rows of a campaign share it and the class
 * @property {string} promise
 * @property {number} runs
 * @property {number} rounds
 * @property {number} seconds
 * @property {Record<string, any>} figures of what was checked
 * @property {string} result 'passed', 'failed', 'not run', 'unfinished: what is missing', or 'left out: why'
 * @property {string} [campaign] where it is not that which was run
 * @property {boolean} [cumulative] it tells of all runs so far, and not of the last one alone
 * @property {string} [again] options that run it again, where that is not --fault and its name
 * @property {number} [seed] of a failure
 * @property {string} [error]
 */

/**
 * Counts are added up, figures with a unit or an average are kept at their worst, all else as it was last.
 * @param {Record<string, any>} figures
 * @param {Record<string, any>} more
 */
export function gather(figures, more) {
  for (const [name, value] of Object.entries(more)) {
    const number = Number(value)
    const counts = typeof value === 'number' && !/(Ms|Each|Bytes|More|Most|Percent)$/.test(name)
    if (counts) figures[name] = (figures[name] ?? 0) + value
    else if (Number.isNaN(number)) figures[name] = value
    else figures[name] = Math.max(figures[name] ?? number, number)
  }
}

/** @param {Row[]} rows */
export function table(rows) {
  const head = ['class', 'fault', '', 'runs', 'rounds', 'seconds', 'result', 'checked']
  const cells = rows.map(({ class: kind, fault, name, runs, rounds, seconds, result, figures }) => [
    ...[kind, fault, name.replace(/^[a-z]\d+-/, ''), String(runs), rounds.toLocaleString('en'), seconds.toFixed(1)],
    ...[result === 'passed' ? '✓' : result === 'failed' ? '✗ failed' : result, checked(figures)],
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i].length)))
  const line = (/** @type {string[]} */ row) =>
    row
      .map((cell, i) => (i >= 3 && i <= 5 ? cell.padStart(widths[i]) : cell.padEnd(i === 7 ? 0 : widths[i])))
      .join('  ')
  return [head, ...cells].map(line).join('\n')
}

/**
 * `{ sentTwice: 1200 }` as "1,200 sent twice".
 * @param {Record<string, any>} figures
 */
export function checked(figures) {
  const words = (/** @type {string} */ name) => name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`)
  return Object.entries(figures)
    .map(([name, value]) => `${typeof value === 'number' ? value.toLocaleString('en') : value} ${words(name)}`)
    .join(', ')
}
