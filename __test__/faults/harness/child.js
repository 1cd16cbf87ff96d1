/**
 * Other processes: each runs one role of one fault (see main.js), tells what it has to tell in lines of JSON on its
 * stdout and is told in lines of JSON on its stdin. How it ended is looked at always: nothing here may die of a signal
 * that it was not to die of.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))

/**
 * @typedef {object} Options
 * @property {number[]} [fds] the child's descriptors from 3 on
 * @property {string[]} [prefix] a program and its arguments that are to run the child's command line
 * @property {string[]} [execArgv]
 * @property {Record<string, string>} [env]
 * @property {{ code?: number, signal?: string }} [ends] how it is to end, if not with 0
 * @property {boolean} [leads] makes it the leader of a process group of its own
 * @property {'inherit' | 'pipe'} [stderr]
 */

/** How a process has ended, in the words of a shell. @param {{ code: number | null, signal: string | null }} exit */
export function ending({ code, signal }) {
  if (signal === null) return `exit status ${code}`
  return `${signal} (exit status ${128 + (constants.signals[signal] ?? 0)})`
}

export class Child {
  #told = []
  #listeners = []
  #outcome
  #errors = ''

  /** @param {object} spec what main.js is to do @param {Options} [options] */
  constructor(spec, options = {}) {
    const { fds = [], prefix = [], execArgv = [], env = {}, ends = { code: 0 }, leads = false } = options
    const line = [...prefix, process.execPath, ...execArgv, MAIN, JSON.stringify(spec)]
    this.process = spawn(line[0], line.slice(1), {
      stdio: ['pipe', 'pipe', options.stderr ?? 'inherit', ...fds],
      env: { ...process.env, ...env },
      detached: leads,
    })
    this.role = spec.role
    this.ends = ends
    /** @type {Promise<{ code: number | null, signal: string | null }>} */
    this.exited = new Promise((resolve, reject) => {
      this.process.once('error', reject)
      this.process.once('close', (code, signal) => resolve({ code, signal }))
      // Whatever it has started may have its stderr still.
      this.process.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), 500).unref())
    })
    // Whoever is interested asks for it.
    this.exited.catch(() => {})
    // It may be gone before it has read what it is told.
    this.process.stdin.on('error', () => {})
    this.process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-20_000)
    })
    createInterface({ input: this.process.stdout }).on('line', (text) => this.#hear(text))
    this.exited.then(() => this.#wake())
  }

  get pid() {
    return /** @type {number} */ (this.process.pid)
  }

  get running() {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** What it has written to stderr, if that is a pipe. */
  get errors() {
    return this.#errors
  }

  /** What the role has returned or thrown, once it has said so. */
  get outcome() {
    return this.#outcome
  }

  #hear(text) {
    let message
    try {
      message = JSON.parse(text)
    } catch {
      this.#errors += `${text}\n`
      return
    }
    if ('told' in message) this.#told.push(message.told)
    else this.#outcome = message
    this.#wake()
  }

  #wake() {
    for (const listener of this.#listeners.splice(0)) listener()
  }

  /** The next thing that it tells. */
  async told() {
    while (this.#told.length === 0) {
      if (!this.running || this.#outcome !== undefined) {
        const exit = await this.exited
        if (this.#told.length > 0) break
        throw new Error(`${this.role} has ended without a word, ${ending(exit)}: ${this.#outcome?.failed ?? ''}`)
      }
      await new Promise((resolve) => this.#listeners.push(resolve))
    }
    return this.#told.shift()
  }

  /** @param {any} value */
  say(value) {
    this.process.stdin.write(`${JSON.stringify(value)}\n`)
  }

  /** Waits for its end and gives what its role has returned. Throws if it ended in any other way than it was to. */
  async done() {
    const exit = await this.exited
    const { code = null, signal = null } = this.ends
    if (exit.code !== code || exit.signal !== signal) {
      throw new Error(`${this.role} ended with ${ending(exit)}\n${this.#outcome?.failed ?? ''}${this.#errors}`)
    }
    return this.#outcome?.returned
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    return this.process.kill(signal)
  }

  /** Ends it and all that it has started. Only for a leader. */
  killGroup() {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // They are gone.
    }
  }

  /** Whether any process of its group is left. Only for a leader. */
  get groupLeft() {
    try {
      process.kill(-this.pid, 0)
      return true
    } catch {
      return false
    }
  }
}
