/**
 * A chart of lines over sizes, as SVG: both axes in powers, since figures of small and large messages are worlds apart.
 *
 * @typedef {{ name: string, ours: boolean, look: number, points: Array<{ x: number, y: number, least: number, greatest: number }> }} Series
 */
import { sizeText } from './sizes.js'

const WIDTH = 760
const HEIGHT = 380
const MARGIN = { top: 14, right: 16, bottom: 38, left: 74 }
const COLOURS = 8

/** @param {string} text */
export function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/**
 * @param {string} title
 * @param {Series[]} series
 * @param {(value: number) => string} unit how a figure is written
 */
export function lineChart(title, series, unit) {
  const points = series.flatMap((one) => one.points)
  const sizes = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b)
  const x = scale(sizes[0], sizes[sizes.length - 1], MARGIN.left + 20, WIDTH - MARGIN.right - 20)
  const least = 10 ** Math.floor(Math.log10(Math.min(...points.map((point) => point.least))))
  const greatest = 10 ** Math.ceil(Math.log10(Math.max(...points.map((point) => point.greatest))))
  const y = scale(least, Math.max(greatest, least * 10), HEIGHT - MARGIN.bottom, MARGIN.top)
  const grid = powers(least, greatest).map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text class="axis" x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end">${escaped(unit(value))}</text>`,
  )
  const axis = `<text class="axis" x="${WIDTH - MARGIN.right}" y="${HEIGHT - 2}" text-anchor="end">size of a message</text>`
  const ticks = sizes.map(
    (size) => `<text class="axis" x="${x(size)}" y="${HEIGHT - 18}" text-anchor="middle">${sizeText(size)}</text>`,
  )
  const lines = series.map((one) => line(one, x, y, unit))
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${[...grid, ...ticks, axis, ...lines].join('\n')}</svg>
${legend(series)}`
}

/**
 * @param {Series} series
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 * @param {(value: number) => string} unit
 */
function line({ name, ours, look, points }, x, y, unit) {
  const path = points.map((point, at) => `${at === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`).join('')
  const marks = points.map(
    (point) =>
      `<line class="spread" x1="${x(point.x)}" x2="${x(point.x)}" y1="${y(point.least)}" y2="${y(point.greatest)}"/>` +
      `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="${ours ? 4 : 3}"><title>${escaped(
        `${name}, ${sizeText(point.x)}: ${unit(point.y)} (${unit(point.least)} to ${unit(point.greatest)})`,
      )}</title></circle>`,
  )
  return `<g class="series ${classes(look, ours)}"><path d="${path}"/>${marks.join('')}</g>`
}

/** A colour and a dash. @param {number} look @param {boolean} ours */
function classes(look, ours) {
  return `c${look % COLOURS} ${ours ? 'ours' : 'peer'} d${Math.floor(look / COLOURS) % 3}`
}

/** @param {Series[]} series */
function legend(series) {
  const items = series.map(
    ({ name, ours, look }) =>
      `<li class="${classes(look, ours)}"><svg viewBox="0 0 28 10" aria-hidden="true"><path d="M0 5H28"/></svg>${escaped(name)}</li>`,
  )
  return `<ul class="legend">${items.join('')}</ul>`
}

/** @param {number} least @param {number} greatest @param {number} from @param {number} to */
function scale(least, greatest, from, to) {
  const span = Math.log10(greatest / least) || 1
  return (/** @type {number} */ value) =>
    round(from + (Math.log10(Math.max(value, least) / least) / span) * (to - from))
}

/** @param {number} least @param {number} greatest */
function powers(least, greatest) {
  const values = []
  for (let value = least; value <= greatest * 1.001; value *= 10) values.push(value)
  return values
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10
