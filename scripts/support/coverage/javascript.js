/** What of the package's own JavaScript was run, as V8 counts it, put together from every process and worker that there was. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../run.js'
import { files } from '../stamp.js'

const base = pathToFileURL(root).href

/** @typedef {{ functionName: string, ranges: { startOffset: number, endOffset: number, count: number }[] }} Counted */

export class JavaScript {
  /** 1 for each character that was reached, by path. @type {Map<string, Uint8Array>} */
  #reached = new Map()
  /** Whether each function was called, by its place and by path. @type {Map<string, Map<string, boolean>>} */
  #functions = new Map()
  #raw
  #saved

  /** @param {string} folder */
  constructor(folder) {
    this.#raw = join(folder, 'v8')
    this.#saved = join(folder, 'javascript.json')
    rmSync(this.#raw, { recursive: true, force: true })
    mkdirSync(this.#raw, { recursive: true })
    // Some specs have children that are other users.
    chmodSync(this.#raw, 0o777)
    for (const path of ['index.js', ...files('lib'), ...files('bin')].filter((name) => name.endsWith('.js'))) {
      this.#reached.set(path, new Uint8Array(sourceOf(path).length))
      this.#functions.set(path, new Map())
    }
    this.#load()
  }

  get env() {
    return { NODE_V8_COVERAGE: this.#raw, OS_IPC_SOURCES: '1' }
  }

  /** Takes in what processes have written since, and removes it: there are thousands. */
  gather() {
    for (const name of readdirSync(this.#raw)) {
      const path = join(this.#raw, name)
      for (const { url, functions } of scriptsIn(path)) {
        if (url.startsWith(base)) this.#take(url.slice(base.length), functions)
      }
      rmSync(path)
    }
  }

  /** @param {string} path @param {Counted[]} functions */
  #take(path, functions) {
    const [reached, known] = [this.#reached.get(path), this.#functions.get(path)]
    if (!reached || !known) return
    const now = new Uint8Array(reached.length)
    for (const { functionName, ranges } of functions) {
      // What is inside stands behind what it is inside of.
      for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      const [{ startOffset, count }] = ranges
      if (functionName === '' && startOffset === 0) continue
      const key = `${functionName}@${startOffset}`
      known.set(key, count > 0 || known.get(key) === true)
    }
    for (let i = 0; i < now.length; i++) reached[i] |= now[i]
  }

  save() {
    const entries = [...this.#reached].map(([path, reached]) => ({
      path,
      source: sourceOf(path),
      reached: Buffer.from(reached).toString('latin1').replaceAll('\0', '0').replaceAll('\u0001', '1'),
      functions: [...(this.#functions.get(path) ?? [])],
    }))
    writeFileSync(this.#saved, JSON.stringify(entries))
  }

  #load() {
    if (!existsSync(this.#saved)) return
    for (const { path, source, reached, functions } of JSON.parse(readFileSync(this.#saved, 'utf8'))) {
      // Of what has changed since nothing is known.
      if (!this.#reached.has(path) || sourceOf(path) !== source) continue
      this.#reached.set(path, Uint8Array.from(reached, Number))
      this.#functions.set(path, new Map(functions))
    }
  }

  /** @returns {import('./table.js').Reached[]} */
  report() {
    return [...this.#reached].map(([path, reached]) => {
      const functions = [...(this.#functions.get(path) ?? new Map()).values()]
      return {
        path,
        lines: linesOf(sourceOf(path), reached),
        functions: { reached: functions.filter(Boolean).length, all: functions.length },
      }
    })
  }
}

/**
 * A line was reached if anything in it was; comments and lines of brackets alone do not count.
 * @param {string} source
 * @param {Uint8Array} reached
 */
function linesOf(source, reached) {
  const [share, code] = [{ reached: 0, all: 0 }, withoutComments(source)]
  let from = 0
  for (const line of code.split('\n')) {
    const words = [...line.matchAll(/\w/g)].map(({ index }) => from + index)
    from += line.length + 1
    if (words.length === 0) continue
    share.all++
    if (words.some((index) => reached[index] === 1)) share.reached++
  }
  return share
}

/** Comments that stand on lines of their own, as all of ours do, become spaces. @param {string} source */
function withoutComments(source) {
  return source.replace(/^\s*\/\*[\s\S]*?\*\/\s*$|^\s*\/\/.*$/gm, (text) => text.replace(/[^\n]/g, ' '))
}

/** @param {string} path @returns {{ url: string, functions: Counted[] }[]} */
function scriptsIn(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).result
  } catch {
    // Its process was killed while it wrote.
    return []
  }
}

/** @param {string} path */
function sourceOf(path) {
  return readFileSync(join(root, path), 'utf8')
}
