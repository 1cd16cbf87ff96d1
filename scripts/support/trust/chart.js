/**
 * Lines over time, one panel below the other, as SVG with its own colours: it stands in a page that has no style for it.
 *
 * @typedef {{ title: string, lines: { x: number, y: number }[][] }} Panel x in seconds
 */

const WIDTH = 760
const PANEL = 120
const MARGIN = { top: 24, right: 16, bottom: 8, left: 64 }
const FOOT = 24

const THEMES = {
  light: { text: '#57606a', title: '#24292f', grid: '#d8dee4', lines: ['#0969da', '#8250df'] },
  dark: { text: '#8b949e', title: '#e6edf3', grid: '#30363d', lines: ['#58a6ff', '#bc8cff'] },
}

/** @param {keyof typeof THEMES} theme @param {Panel[]} panels */
export function draw(theme, panels) {
  const colours = THEMES[theme]
  const height = panels.length * PANEL + FOOT
  const end = Math.max(1, ...panels.flatMap(({ lines }) => lines.flatMap((line) => line.map(({ x }) => x))))
  const x = (/** @type {number} */ at) => MARGIN.left + (at / end) * (WIDTH - MARGIN.left - MARGIN.right)
  const text = (/** @type {string} */ words, /** @type {string} */ place, fill = colours.text) =>
    `<text ${place} fill="${fill}" font-family="system-ui, sans-serif" font-size="12">${words}</text>`
  const parts = panels.map(({ title, lines }, index) => {
    const top = index * PANEL + MARGIN.top
    const bottom = (index + 1) * PANEL - MARGIN.bottom
    const most = nice(Math.max(...lines.flatMap((line) => line.map((point) => point.y)), 1e-9))
    const y = (/** @type {number} */ value) => bottom - (value / most) * (bottom - top)
    const grid = [0, most / 2, most].map(
      (value) =>
        `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" stroke="${colours.grid}"/>` +
        text(short(value), `x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end"`),
    )
    const paths = lines.map((line, which) => {
      const path = line.map((point, at) => `${at === 0 ? 'M' : 'L'}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`)
      return `<path d="${path.join('')}" fill="none" stroke="${colours.lines[which]}" stroke-width="1.5"/>`
    })
    return [text(title, `x="${MARGIN.left}" y="${top - 8}"`, colours.title), ...grid, ...paths].join('\n')
  })
  const ticks = [0, end / 4, end / 2, (3 * end) / 4, end].map((at) =>
    text(time(at, end), `x="${x(at)}" y="${height - 6}" text-anchor="${at === end ? 'end' : 'middle'}"`),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">\n${[...parts, ...ticks].join('\n')}\n</svg>\n`
}

/** A round number that is not below. @param {number} value */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return /** @type {number} */ ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value)) * power
}

/** @param {number} value */
const short = (value) => value.toLocaleString('en', { maximumFractionDigits: 2 })

/** @param {number} seconds @param {number} end of the whole, which the unit goes by */
function time(seconds, end) {
  const [unit, length] = end < 180 ? ['s', 1] : end < 7200 ? ['min', 60] : ['h', 3600]
  return `${(seconds / length).toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}`
}
