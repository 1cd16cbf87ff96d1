import { bytes } from './objects/figures.js'
import { table } from './table.js'

/** @typedef {import('../list/limits.js').Limit} Limit */

const columns = [
  { title: 'LIMIT', key: true },
  { title: 'VALUE', right: true },
  { title: 'USED', right: true },
  { title: 'OF', right: false },
  { title: 'TO RAISE IT' },
]

/** @param {Limit[]} limits @param {import('./terminal.js').Terminal} out */
export function limitsTable(limits, out) {
  const rows = limits.map(({ name, about, value, use, unit, raise }) => [
    name,
    amount(value, unit),
    use === undefined ? '' : amount(use, unit),
    about,
    raise,
  ])
  return table(columns, rows, out)
}

/** @param {number} value @param {Limit['unit']} unit */
function amount(value, unit) {
  // What the kernel has for "none".
  if (value >= 2 ** 53) return 'unlimited'
  if (unit === 'bytes') return bytes(value)
  return `${value}${unit === 'pages' ? ' pages' : ''}`
}
