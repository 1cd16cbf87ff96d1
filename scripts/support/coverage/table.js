/** What was reached, by folder. */
import { dirname } from 'node:path'

/**
 * How much of it was reached, and how much there is.
 * @typedef {{ reached: number, all: number }} Share
 * @typedef {{ path: string, lines: Share, functions: Share }} Reached
 */

/** @param {Reached[]} files */
export function tableOf(files) {
  /** @type {Map<string, Reached[]>} */
  const folders = new Map()
  for (const file of files) folders.set(dirname(file.path), [...(folders.get(dirname(file.path)) ?? []), file])
  const rows = [...folders].sort(([a], [b]) => (a < b ? -1 : 1))
  const kinds = /** @type {const} */ ([
    ['Rust in all', /\.rs$/],
    ['JavaScript in all', /\.js$/],
  ])
  const all = kinds.map(([name, pattern]) => [name, files.filter(({ path }) => pattern.test(path))])
  const cells = [...rows, .../** @type {[string, Reached[]][]} */ (all)].map(([name, inIt]) => [
    name,
    ...shareOf(inIt.map(({ lines }) => lines)),
    ...shareOf(inIt.map(({ functions }) => functions)),
  ])
  const head = ['folder', 'lines', '', 'functions', '']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i].length)))
  return [head, ...cells]
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '))
    .join('\n')
}

/** Of all these files together, in words. @param {Reached[]} files */
export function totalOf(files) {
  const words = (/** @type {'lines' | 'functions'} */ kind) => shareOf(files.map((file) => file[kind])).join(', ')
  return { lines: words('lines'), functions: words('functions') }
}

/** @param {Share[]} shares */
function shareOf(shares) {
  const reached = shares.reduce((total, share) => total + share.reached, 0)
  const all = shares.reduce((total, share) => total + share.all, 0)
  return [`${reached} of ${all}`, all === 0 ? '' : `${((100 * reached) / all).toFixed(1)} %`]
}
