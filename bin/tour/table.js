import { wrap } from '../../lib/cli/wrap.js'
import { bar, bytes, decimal, seconds } from './units.js'

/**
 * @typedef {import('../../lib/cli/terminal.js').Terminal} Terminal
 * @typedef {import('./tour.js').Row} Row
 */

const shortestBar = 6
const longestBar = 30

/**
 * @param {import('./file.js').SourceFile} file
 * @param {Record<string, string>} versions
 * @param {Terminal} out
 */
export function heading({ path, size, sha256, inMemory }, versions, out) {
  const us = `os-ipc ${versions['os-ipc']}, Node ${versions.node}`
  const system = `Linux ${versions.kernel}, ${versions.arch}`
  return [
    ...(out.columns < 73 ? [us, system] : [`${us}, ${system}`]).map(out.bold),
    path,
    `${size.toLocaleString('en')} bytes`,
    `SHA-256 ${out.columns < 73 ? sha256.slice(0, out.columns - 9) : sha256}`,
    ...(inMemory ? [] : ['Too large to keep in memory: read and hashed inside the timing, in every row']),
    '',
    '',
  ].join('\n')
}

/**
 * @param {Row[]} rows
 * @param {Terminal} out
 */
export function table(rows, out) {
  const fastest = Math.max(...rows.map(({ megabytesPerSecond = 0 }) => megabytesPerSecond))
  const cells = rows.map((row) => ({
    row,
    share: fastest > 0 ? (row.megabytesPerSecond ?? 0) / fastest : 0,
    ...figures(row),
  }))
  const head = { title: 'transport', size: 'bytes', seconds: 'seconds', rate: 'MB/s', messages: 'messages/s' }
  const widths = /** @type {Record<keyof typeof head, number>} */ (
    Object.fromEntries(
      Object.entries(head).map(([key, label]) => [
        key,
        Math.max(label.length, ...cells.map((cell) => cell[/** @type {keyof typeof head} */ (key)].length)),
      ]),
    )
  )
  const fixed = Object.values(widths).reduce((sum, width) => sum + width, 0) + 'SHA-256'.length + 6 * 2
  const room = Math.min(longestBar, out.columns - fixed - 1)
  if (room < shortestBar) return narrowTable(cells, out)
  /** @param {typeof head} cell @param {string} drawn @param {string} verdict */
  const line = (cell, drawn, verdict) =>
    [
      cell.title.padEnd(widths.title),
      cell.size.padStart(widths.size),
      cell.seconds.padStart(widths.seconds),
      cell.rate.padStart(widths.rate),
      drawn,
      cell.messages.padStart(widths.messages),
      verdict,
    ].join('  ')
  return [
    out.bold(line(head, ' '.repeat(room), 'SHA-256')),
    ...cells.map((cell) =>
      cell.row.error
        ? `${cell.title.padEnd(widths.title)}  ${verdict(cell.row, out)}`
        : line(cell, drawBar(cell, room, out), verdict(cell.row, out)),
    ),
    '',
  ].join('\n')
}

/**
 * Two lines a row, for terminals of 40 columns.
 * @param {Array<{ row: Row, share: number, title: string, size: string, seconds: string, rate: string, messages: string }>} cells
 * @param {Terminal} out
 */
function narrowTable(cells, out) {
  const rateWidth = Math.max(...cells.map(({ rate }) => rate.length))
  const room = Math.max(0, Math.min(longestBar, out.columns - rateWidth - 9))
  return cells
    .flatMap((cell) => [
      `${out.bold(cell.title)}: ${verdict(cell.row, out)}`,
      ...(cell.row.error
        ? []
        : [
            `  ${cell.rate.padStart(rateWidth)} MB/s ${drawBar(cell, room, out)}`.trimEnd(),
            `  ${cell.size} in ${cell.seconds} s`,
            `  ${cell.messages} messages/s`,
          ]),
      '',
    ])
    .join('\n')
}

/** @param {Row} row */
function figures({ title, bytes: count, seconds: duration, megabytesPerSecond, messagesPerSecond }) {
  return {
    title,
    size: count === undefined ? '' : bytes(count),
    seconds: duration === undefined ? '' : seconds(duration),
    rate: megabytesPerSecond === undefined ? '' : decimal(megabytesPerSecond),
    messages: messagesPerSecond === undefined ? '' : Math.round(messagesPerSecond).toLocaleString('en'),
  }
}

/**
 * @param {{ row: Row, share: number }} cell
 * @param {number} room
 * @param {Terminal} out
 */
function drawBar({ row, share }, room, out) {
  const drawn = bar(share, room, out.unicode)
  return (row.ours ? out.green(drawn) : out.dim(drawn)) + ' '.repeat(room - drawn.length)
}

/**
 * @param {Row} row
 * @param {Terminal} out
 */
function verdict({ error, equal }, out) {
  if (error) return out.red(`failed, ${error.code}`)
  return equal ? 'equal' : out.red('DIFFERS')
}

/**
 * @param {Row[]} rows
 * @param {Terminal} out
 */
export function summary(rows, out) {
  const bad = rows.filter(({ equal }) => !equal)
  if (bad.length === 0) return `${equalCopies(rows.length)} equal.\n`
  return [
    out.red(`${bad.length} of ${rows.length} failed:`),
    ...bad.flatMap(({ title, error }) => {
      const reason = error ? `${error.code}, ${error.message}` : 'the copy differs'
      return wrap(`${title}: ${reason}`, out.columns - 3).map((line) => `  ${line}`)
    }),
    '',
  ].join('\n')
}

/** @param {number} count */
function equalCopies(count) {
  if (count === 1) return 'The copy is'
  return count === 2 ? 'Both copies are' : `All ${count} copies are`
}
