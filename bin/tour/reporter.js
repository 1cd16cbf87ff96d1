import { bar, bytes, decimal, seconds } from './units.js'

/**
 * @typedef {import('../../lib/cli/terminal.js').Terminal} Terminal
 *
 * @typedef {object} Reporter
 * @property {(transport: { title: string }, file: { size: number }) => void} begin
 * @property {(bytes: number) => void} progress
 * @property {(row?: import('./tour.js').Row) => void} end Without a row: broken off.
 */

const redrawEvery = 100
const lineEvery = 5_000

/**
 * @param {Terminal} out
 * @param {boolean} terminalOnly
 * @returns {Reporter}
 */
export function createReporter(out, terminalOnly) {
  if (out.live) return liveReporter(out)
  return terminalOnly ? silentReporter() : plainReporter(out)
}

/**
 * One line, rewritten in place.
 * @param {Terminal} out
 * @returns {Reporter}
 */
function liveReporter(out) {
  let title = ''
  let size = 0
  const meter = createMeter(redrawEvery, (sent, seconds) => {
    const share = size === 0 ? 0 : sent / size
    const rate = seconds > 0 ? `${decimal(sent / 1e6 / seconds)} MB/s` : ''
    const text = `${title} ${String(Math.floor(share * 100)).padStart(3)} % `
    const room = Math.min(20, out.columns - text.length - rate.length - 2)
    const drawn = room >= 4 ? `${bar(share, room, out.unicode).padEnd(room)} ` : ''
    out.write(`\r\x1b[K${`${text}${drawn}${rate}`.slice(0, out.columns - 1)}`)
  })
  return {
    begin(transport, file) {
      title = transport.title
      size = file.size
      meter.restart()
    },
    progress: meter.add,
    end: () => out.write('\r\x1b[K'),
  }
}

/**
 * A line for each row that has ended, and now and then one for a row that takes long.
 * @param {Terminal} out
 * @returns {Reporter}
 */
function plainReporter(out) {
  let title = ''
  let size = 0
  const meter = createMeter(lineEvery, (sent) => {
    if (sent > 0) out.write(`${title}: ${Math.floor((sent / size) * 100)} %\n`)
  })
  return {
    begin(transport, file) {
      title = transport.title
      size = file.size
      meter.restart()
    },
    progress: meter.add,
    end(row) {
      if (row) out.write(`${title}: ${row.error ? `failed, ${row.error.code}: ${row.error.message}` : outcome(row)}\n`)
    },
  }
}

/** @returns {Reporter} */
function silentReporter() {
  return { begin() {}, progress() {}, end() {} }
}

/** @param {import('./tour.js').Row} row */
function outcome({ bytes: count = 0, seconds: duration = 0, megabytesPerSecond = 0, equal }) {
  return `${bytes(count)} in ${seconds(duration)} s, ${decimal(megabytesPerSecond)} MB/s, SHA-256 ${equal ? 'equal' : 'DIFFERS'}`
}

/**
 * Adds up what has been sent and shows it at once, then every `interval` milliseconds at most.
 * @param {number} interval
 * @param {(sent: number, seconds: number) => void} show
 */
function createMeter(interval, show) {
  let sent = 0
  let began = 0
  let shown = 0
  return {
    restart() {
      sent = 0
      began = shown = performance.now()
      show(0, 0)
    },
    /** @param {number} bytes */
    add(bytes) {
      if (sent === 0) began = performance.now()
      sent += bytes
      const now = performance.now()
      if (now - shown < interval) return
      shown = now
      show(sent, (now - began) / 1000)
    },
  }
}
