/** One contender's measuring process, alive and idle between its rounds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pinned } from './pin.js'

/** A round that takes this long will never end. */
const PATIENCE_MS = 60_000

/**
 * @typedef {object} Reply what the measuring process answers; which fields depends on what it measures
 * @property {number[]} ns
 * @property {number[]} [cpuUs]
 * @property {number[]} [taken] by each process, how often it had the lock
 * @property {number[]} [handedOver] and how often somebody else had it before
 * @property {number} [wakeUps]
 * @property {number} [kib] private memory of each
 */

/** @param {string} name of a script in bench/peers @param {Array<string | number>} args */
export function script(name, ...args) {
  return [process.execPath, fileURLToPath(new URL(`../peers/${name}`, import.meta.url)), ...args.map(String)]
}

/** The same with `global.gc`. @param {string} name @param {Array<string | number>} args */
export function collecting(name, ...args) {
  const [node, ...rest] = script(name, ...args)
  return [node, '--expose-gc', ...rest]
}

/** Sessions whose processes are not known to have ended. @type {Set<Session>} */
const open = new Set()
process.once('exit', () => {
  for (const session of open) session.kill()
})

export class Session {
  /** @param {string[]} command @param {import('./pin.js').Pinning} pinning @param {string} directory for sockets and FIFOs */
  constructor(command, pinning, directory) {
    const env = { ...process.env, BENCH_FAR_CPU: pinning.far, BENCH_DIRECTORY: directory }
    // A process group of its own, so that both sides can be ended together, whatever state they are in.
    this.process = spawn(...pinned(pinning.near, command), { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    open.add(this)
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
    this.complaints = ''
    this.process.stderr.on('data', (chunk) => {
      this.complaints = (this.complaints + chunk).slice(-2000)
    })
    this.process.stdin.on('error', () => {})
    this.failed = new Promise((_, reject) => {
      this.process.on('error', reject)
      this.process.on('close', (code, signal) => reject(new Error(this.lastWords(signal ?? code))))
    })
    this.failed.catch(() => {})
  }

  ready() {
    return this.answer()
  }

  /** @param {number} count @returns {Promise<Reply>} */
  go(count) {
    this.process.stdin.write(`${count}\n`)
    return this.answer()
  }

  /** Lets both sides end by themselves, and sees to it that they do. */
  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const closed = once(this.process, 'close')
      this.process.stdin.end()
      const timer = setTimeout(() => this.kill(), 2_000)
      await closed
      clearTimeout(timer)
    }
    this.kill()
  }

  kill() {
    open.delete(this)
    try {
      if (this.process.pid !== undefined) process.kill(-this.process.pid, 'SIGKILL')
    } catch {
      // Nobody is left in the group.
    }
  }

  /** @returns {Promise<any>} */
  async answer() {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
    })
    try {
      const { done, value } = await Promise.race([this.lines.next(), this.failed, late])
      if (done) await this.failed
      return JSON.parse(value)
    } finally {
      clearTimeout(timer)
    }
  }

  /** @param {string | number | null} status */
  lastWords(status) {
    const lines = this.complaints.trim().split('\n')
    const words = lines.find((line) => /^(\w*Error|error)\b/.test(line)) ?? lines.at(-1)
    return `ended with ${status}${words ? `: ${words.trim()}` : ''}`
  }
}
