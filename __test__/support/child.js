/** Second processes of specs: scripts under fixtures/ that are given handles, and are killed if they hang. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { spawn } from '../../index.js'

const WATCHDOG = 30_000

/** @typedef {import('../../index.js').Handle} Handle */
/** @typedef {{ code: number | null, signal: string | null, stdout: string, stderr: string, milliseconds: number }} Outcome */

/** @param {string} name */
export function fixture(name) {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/**
 * Starts a script as a process of its own.
 * @param {string} script
 * @param {(string | number)[]} [words]
 * @param {{ handles?: Handle[], inherit?: number[], node?: string[], env?: Record<string, string>, stdin?: 'pipe' | 'ignore' | number, patience?: number, command?: string }} [options]
 *   `handles` are given to it (see `received`) and, if they move, are closed here; `inherit` are descriptors, which it has
 *   as 3 and so on. With a `patience` of 0 nothing kills it: for one that serves many tests, whose time is theirs (`guard`)
 *   or which `after` kills.
 */
export function start(
  script,
  words = [],
  {
    handles = [],
    inherit = [],
    node = [],
    env = {},
    stdin = 'ignore',
    patience = WATCHDOG,
    command = process.execPath,
  } = {},
) {
  const began = performance.now()
  const child = spawn(command, [...node, script, ...words.map(String)], {
    stdio: [stdin, 'pipe', 'pipe', ...inherit],
    handles: { ...handles },
    env: { ...process.env, ...env, OS_IPC_SPEC_HANDLES: String(handles.length) },
    timeout: patience,
    killSignal: 'SIGKILL',
  })
  const running = new Child(child, began)
  if (!child.stdout || !child.stderr) throw new Error('no output')
  child.stdout.setEncoding('utf8').on('data', (text) => running.hear(text))
  child.stderr.setEncoding('utf8').on('data', (text) => {
    running.stderr += text
  })
  return running
}

/** Starts a script, and gives its outcome. @param {Parameters<typeof start>} parameters */
export async function run(...parameters) {
  return start(...parameters).outcome
}

/** Starts a script that is to succeed without a word on stderr, and gives its stdout. @param {Parameters<typeof start>} parameters */
export async function output(...parameters) {
  return start(...parameters).succeeded()
}

class Child {
  stdout = ''
  stderr = ''
  /** @type {Set<() => void>} */
  #listeners = new Set()

  /** @param {import('node:child_process').ChildProcess} child @param {number} began */
  constructor(child, began) {
    this.process = child
    /** @type {Promise<Outcome>} */
    this.outcome = once(child, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.stdout,
      stderr: this.stderr,
      milliseconds: performance.now() - began,
    }))
  }

  get pid() {
    return /** @type {number} */ (this.process.pid)
  }

  /** @param {string} text */
  hear(text) {
    this.stdout += text
    for (const listener of this.#listeners) listener()
  }

  /** Waits until it has said this. @param {string} word */
  async says(word) {
    const heard = new Promise((resolve) => {
      const listener = () => {
        if (!this.stdout.includes(word)) return
        this.#listeners.delete(listener)
        resolve(undefined)
      }
      this.#listeners.add(listener)
      listener()
    })
    await Promise.race([
      heard,
      this.outcome.then(({ code, signal, stdout, stderr }) => {
        if (!stdout.includes(word))
          assert.fail(`it ended (${code ?? signal}) without saying ${word}: ${stdout}${stderr}`)
      }),
    ])
  }

  /** @param {string} text */
  tell(text) {
    this.process.stdin?.write(`${text}\n`)
  }

  /** Kills it unless what this gives is called in time. */
  guard() {
    const timer = setTimeout(() => this.kill(), WATCHDOG)
    return () => clearTimeout(timer)
  }

  /** @param {NodeJS.Signals} [signal] */
  async kill(signal = 'SIGKILL') {
    this.process.kill(signal)
    return this.outcome
  }

  async succeeded() {
    const { code, signal, stdout, stderr } = await this.outcome
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, stdout)
    return stdout
  }
}
