import { exitCodes, UsageError } from '../command.js'
import { listenToKeys } from './keys.js'
import { Watched } from './rows.js'
import { line, orders, screen, sorted } from './view.js'

/**
 * @typedef {import('../../../index.js').IpcObject} IpcObject
 * @typedef {import('./rows.js').Row} Row
 */

/** Before 4 GiB can have gone through a channel. */
const SAMPLE = 100
/** The screen that programs like editors use, so that what was there before comes back; without a cursor. */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

/** @param {import('../command.js').Call} call */
export async function runWatch({ options, out, signal }) {
  const interval = seconds(options.interval ?? '1') * 1000
  const rounds = options.count === undefined ? Number.POSITIVE_INFINITY : whole(options.count)
  const uid = process.geteuid?.()
  /** @param {IpcObject} object */
  const wanted = (object) =>
    (!options.mine || object.uid === uid) && (options.all || object.kind !== 'socket' || Boolean(object.listening))
  const watched = new Watched()
  const sampling = setInterval(() => watched.sample(), SAMPLE)
  const show = out.live ? liveScreen(out) : plainLines(out)
  try {
    for (let round = 0; round < rounds; round++) {
      const ended = await show.pause(round === 0 ? Math.min(interval, 2 * SAMPLE) : interval, signal)
      if (ended || signal.aborted) break
      show.draw(watched.rows(wanted))
    }
  } finally {
    clearInterval(sampling)
    show.end()
    watched.close()
  }
  return exitCodes.done
}

/** @param {import('../terminal.js').Terminal} out */
function liveScreen(out) {
  /** @type {Row[]} */
  let rows = []
  let order = 0
  let reversed = false
  /** @type {() => void} */
  let wake = () => {}
  let quit = false
  const redraw = () => {
    const height = process.stdout.rows || 24
    const text = screen(sorted(rows, orders[order], reversed), out)
      .trimEnd()
      .split('\n')
    const help = `q quit  s sort: ${orders[order]}${reversed ? ' reversed' : ''}  r reverse  ${rows.length} rows`
    const lines = [help.slice(0, out.columns - 1), ...text].slice(0, height - 1)
    out.write(`\x1b[H${lines.map((text) => `${text}\x1b[K\r\n`).join('')}\x1b[J`)
  }
  const stopListening = listenToKeys((key) => {
    // In raw mode Ctrl-C is a key like others.
    if (key === 'q' || key === '\x03' || key === '\x04') {
      quit = true
      wake()
    }
    if (key === 's') order = (order + 1) % orders.length
    if (key === 'r') reversed = !reversed
    if (key === 's' || key === 'r') redraw()
  })
  process.stdout.on('resize', redraw)
  out.write(ENTER)
  return {
    /** @param {Row[]} fresh */
    draw(fresh) {
      rows = fresh
      redraw()
    },
    /** @param {number} milliseconds @param {AbortSignal} signal */
    async pause(milliseconds, signal) {
      await sleep(milliseconds, signal, (stop) => {
        wake = stop
      })
      return quit
    },
    end() {
      process.stdout.off('resize', redraw)
      stopListening()
      out.write(LEAVE)
    },
  }
}

/** What has changed since the last time, a line each. @param {import('../terminal.js').Terminal} out */
function plainLines(out) {
  /** @type {Map<string, string>} */
  let before = new Map()
  return {
    /** @param {Row[]} rows */
    draw(rows) {
      const time = new Date().toISOString().slice(11, 19)
      const now = new Map(rows.map((row) => [row.name, line(row)]))
      for (const [name, text] of now) if (before.get(name) !== text) out.write(`${time}  ${text}\n`)
      for (const name of before.keys()) if (!now.has(name)) out.write(`${time}  ${name}  gone\n`)
      before = now
    },
    /** @param {number} milliseconds @param {AbortSignal} signal */
    async pause(milliseconds, signal) {
      await sleep(milliseconds, signal)
      return false
    },
    end() {},
  }
}

/** @param {number} milliseconds @param {AbortSignal} signal @param {(stop: () => void) => void} [stopper] */
function sleep(milliseconds, signal, stopper) {
  return new Promise((settle) => {
    const timer = setTimeout(stop, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
    stopper?.(stop)
    if (signal.aborted) stop()
    function stop() {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      settle(undefined)
    }
  })
}

/** @param {string} text */
function seconds(text) {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0.1 && value <= 86_400))
    throw new UsageError(`--interval takes seconds, at least 0.1, and not '${text}'`)
  return value
}

/** @param {string} text */
function whole(text) {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--count takes a whole number, and not '${text}'`)
  return Number(text)
}
