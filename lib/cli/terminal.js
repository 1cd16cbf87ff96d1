/**
 * What a command may know of where it writes: how wide it is, whether a line can be rewritten in place, colours.
 *
 * @typedef {object} Terminal
 * @property {(text: string) => void} write
 * @property {number} columns
 * @property {number} room The same, but Infinity where nothing is as wide as that: a file, a pipe.
 * @property {boolean} live A line can be rewritten in place.
 * @property {boolean} unicode
 * @property {(text: string) => string} bold
 * @property {(text: string) => string} dim
 * @property {(text: string) => string} green
 * @property {(text: string) => string} red
 */

/**
 * @param {NodeJS.WriteStream} stream
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Terminal}
 */
export function terminal(stream, env = process.env) {
  const live = Boolean(stream.isTTY) && env.TERM !== 'dumb'
  const colours = live && !env.NO_COLOR
  /** @param {number} on @param {number} off */
  const style = (on, off) => (/** @type {string} */ text) => (colours ? `\x1b[${on}m${text}\x1b[${off}m` : text)
  return {
    write: (text) => void stream.write(text),
    // Asked for each time: a window can be resized.
    get columns() {
      return stream.columns || Number.parseInt(env.COLUMNS ?? '', 10) || 80
    },
    get room() {
      return stream.columns || Number.parseInt(env.COLUMNS ?? '', 10) || Number.POSITIVE_INFINITY
    },
    live,
    unicode: /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || ''),
    bold: style(1, 22),
    dim: style(2, 22),
    green: style(32, 39),
    red: style(31, 39),
  }
}
