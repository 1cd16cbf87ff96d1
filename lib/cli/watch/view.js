/** Rows as lines: sorted, in the columns of a screen or one by one. */
import { bytes } from '../objects/figures.js'
import { table } from '../table.js'

/** @typedef {import('./rows.js').Row} Row */

export const orders = /** @type {const} */ (['rate', 'kind', 'name', 'size'])
/** @typedef {typeof orders[number]} Order */

const columns = [
  { title: 'KIND' },
  { title: 'NAME', key: true },
  { title: 'SIZE' },
  { title: 'MSGS/S', right: true },
  { title: 'BYTES/S', right: true },
  { title: 'USED BY' },
]

/** @type {Record<Order, (a: Row, b: Row) => number>} */
const compare = {
  rate: (a, b) => (b.bytes ?? -1) - (a.bytes ?? -1) || compare.kind(a, b),
  kind: (a, b) => a.kind.localeCompare(b.kind) || compare.name(a, b),
  name: (a, b) => a.name.localeCompare(b.name),
  size: (a, b) => b.size.localeCompare(a.size, 'en', { numeric: true }) || compare.name(a, b),
}

/** @param {Row[]} rows @param {Order} order @param {boolean} reversed */
export function sorted(rows, order, reversed) {
  const inOrder = [...rows].sort(compare[order])
  return reversed ? inOrder.reverse() : inOrder
}

/**
 * @param {Row[]} rows
 * @param {import('../terminal.js').Terminal} out
 */
export function screen(rows, out) {
  return table(columns, rows.map(cells), out)
}

/** @param {Row} row */
function cells(row) {
  return [row.kind, row.name, row.size, messageRate(row), byteRate(row), row.users]
}

/** @param {Row} row */
function messageRate({ messages, estimated }) {
  if (messages === undefined) return ''
  return `${estimated && messages > 0 ? '~' : ''}${Math.round(messages).toLocaleString('en')}`
}

/** @param {Row} row */
function byteRate({ bytes: rate }) {
  return rate === undefined ? '' : `${bytes(Math.round(rate))}`
}

/** @param {Row} row */
export function line(row) {
  const rates = row.messages === undefined ? [] : [`${messageRate(row)} msgs/s`, `${byteRate(row)}/s`]
  return [row.name, row.size, ...rates, row.users].filter((word) => word !== '').join('  ')
}
