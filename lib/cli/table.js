/**
 * Rows of cells for people: in columns where they fit, otherwise a few lines for each row.
 *
 * @typedef {object} Column
 * @property {string} title
 * @property {boolean} [right]
 * @property {boolean} [key] never cut: what the row is called. One that is too long stands on a line of its own
 */
import { cut, widthOf } from './width.js'
import { wrap } from './wrap.js'

/** The least of a column that may be cut. */
const LEAST = 8
/** And of the one whose cells stand on a line of their own where they are longer. */
const LEAST_KEY = 24

/**
 * @param {readonly Column[]} columns
 * @param {string[][]} rows
 * @param {import('./terminal.js').Terminal} out
 */
export function table(columns, rows, out) {
  const used = columns.map((_, index) => index).filter((index) => rows.some((row) => row[index] !== ''))
  const shown = used.map((index) => columns[index])
  const cells = rows.map((row) => used.map((index) => row[index]))
  const widths = fit(
    shown,
    shown.map(({ title }, index) => cells.reduce((most, row) => Math.max(most, widthOf(row[index])), title.length)),
    out.room,
  )
  if (!widths) return records(shown, cells, out)
  const key = shown.findIndex((column) => column.key)
  /** @param {string[]} row */
  const line = (row) =>
    row
      .map((cell, index) => pad(cut(cell, widths[index]), widths[index], shown[index].right))
      .join('  ')
      .trimEnd()
  /** @param {string[]} row */
  const lines = (row) => {
    if (key < 0 || widthOf(row[key]) <= widths[key]) return [line(row)]
    const before = row.map((cell, index) => (index < key ? cell : ''))
    const room = out.room - widthOf(line(before))
    const [first, ...more] = pieces(row[key], room - 2 * Number(key > 0))
    const head = `${line(before)}${key > 0 ? '  ' : ''}${first}`
    return [head, ...more, line(row.map((cell, index) => (index <= key ? '' : cell)))]
  }
  return [out.bold(line(shown.map(({ title }) => title))), ...cells.flatMap(lines), ''].join('\n')
}

/**
 * How wide each column may be: the last ones give way first, then the key. None where that is not enough.
 * @param {readonly Column[]} columns
 * @param {number[]} widths
 * @param {number} room
 */
function fit(columns, widths, room) {
  const fitted = [...widths]
  let excess = widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)) - room
  for (let index = fitted.length - 1; index >= 0 && excess > 0; index--) {
    if (columns[index].key || columns[index].right) continue
    const given = Math.min(excess, Math.max(0, fitted[index] - Math.max(LEAST, columns[index].title.length)))
    fitted[index] -= given
    excess -= given
  }
  const key = columns.findIndex((column) => column.key)
  if (excess > 0 && key >= 0 && fitted[key] - excess >= LEAST_KEY) {
    fitted[key] -= excess
    excess = 0
  }
  return excess > 0 ? undefined : fitted
}

/**
 * What a row is called, then the rest of it, a little to the right.
 * @param {readonly Column[]} columns
 * @param {string[][]} rows
 * @param {import('./terminal.js').Terminal} out
 */
function records(columns, rows, out) {
  const key = Math.max(
    0,
    columns.findIndex((column) => column.key),
  )
  return rows
    .flatMap((row) => [
      ...pieces(row[key], out.room).map(out.bold),
      ...columns.flatMap(({ title }, index) =>
        index === key || row[index] === ''
          ? []
          : wrap(`${title.toLowerCase()}: ${row[index]}`, out.room - 2)
              .flatMap((line) => pieces(line, out.room - 2))
              .map((line) => `  ${line}`),
      ),
      '',
    ])
    .join('\n')
}

/** A name that is longer than a line goes on in the next one. @param {string} text @param {number} columns */
function pieces(text, columns) {
  const lines = ['']
  let width = 0
  for (const character of text) {
    const its = widthOf(character)
    if (width + its > columns && width > 0) {
      lines.push('')
      width = 0
    }
    lines[lines.length - 1] += character
    width += its
  }
  return lines
}

/** @param {string} text @param {number} width @param {boolean} [right] */
function pad(text, width, right) {
  const blank = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? blank + text : text + blank
}
