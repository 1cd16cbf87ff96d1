/**
 * Runs what is to be compared. All processes of a group are started and warmed up first, then measured in turns,
 * A B C A B C, so that a change in the machine's mood meets all of them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuOf, processesOf } from './cpu.js'
import { pinning } from './pin.js'
import { Session } from './session.js'
import { sum } from './stats.js'

/**
 * @typedef {object} Contender
 * @property {string} name the transport
 * @property {string} waits what waits and how, on both sides
 * @property {boolean} [ours]
 * @property {() => string[]} command starts the measuring process; throws, with the reason, where it cannot be had
 *
 * @typedef {object} Metric
 * @property {string} figure
 * @property {string} unit
 * @property {(reply: import('./session.js').Reply) => number} of
 *
 * @typedef {object} Target
 * @property {string} figure
 * @property {string} ours
 * @property {string} [peer] none where only our own figure counts
 * @property {'<=' | '>=' | '<'} than
 * @property {number} [ratio] of ours to the peer's
 * @property {number} [value] of ours, in place of a ratio
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {string} size what a row says the size is
 * @property {import('./pin.js').PinningName} pinning
 * @property {Metric[]} metrics
 * @property {Contender[]} contenders
 * @property {Target[]} targets
 * @property {number} [maxCount] most repetitions in one round
 * @property {number} [roundMs] how long one round should take, where that is not for the settings to say
 *
 * @typedef {object} Measured
 * @property {Contender} contender
 * @property {Map<Metric, number[]>} runs one value for each round
 * @property {Array<{ cpuNs: number, ns: number[] }>} cpu of each round: the processor time of all its processes, and what took how long
 * @property {string} failure '' or why there is no figure
 */

/**
 * @param {Group} group
 * @param {import('./settings.js').Settings} settings
 * @param {import('./progress.js').Progress} progress
 * @returns {Promise<Measured[]>}
 */
export async function runGroup(group, settings, progress) {
  const directory = mkdtempSync(join(tmpdir(), 'os-ipc-bench-'))
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeDirectory)
  const entries = group.contenders.map((contender) => new Entry(contender, group))
  try {
    for (const entry of entries) {
      await entry.attempt(() => entry.start(directory, settings))
      progress.step(`${group.name}: ${entry.contender.name}`)
    }
    for (let run = 0; run < settings.runs; run += 1) {
      for (const entry of entries) {
        await entry.attempt(() => entry.round())
        progress.step(`${group.name}: round ${run + 1}, ${entry.contender.name}`)
      }
    }
  } finally {
    await Promise.all(entries.map((entry) => entry.session?.stop()))
    removeDirectory()
    process.removeListener('exit', removeDirectory)
  }
  return entries
}

class Entry {
  /** @param {Contender} contender @param {Group} group */
  constructor(contender, group) {
    this.contender = contender
    this.group = group
    this.runs = new Map(group.metrics.map((metric) => [metric, /** @type {number[]} */ ([])]))
    /** @type {Measured['cpu']} */
    this.cpu = []
    this.failure = ''
    this.count = 1
    /** @type {Session | undefined} */
    this.session = undefined
  }

  /** @param {() => Promise<void>} step */
  async attempt(step) {
    if (this.failure !== '') return
    try {
      await step()
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error)
      this.session?.kill()
    }
  }

  /** Warms up and finds how many repetitions fill a round. @param {string} directory @param {import('./settings.js').Settings} settings */
  async start(directory, settings) {
    const roundMs = this.group.roundMs ?? settings.roundMs
    this.session = new Session(this.contender.command(), pinning(this.group.pinning), directory)
    await this.session.ready()
    await this.session.go(1) // cold: its time would tell nothing about the next
    const most = this.group.maxCount ?? 20_000
    for (;;) {
      const ms = sum((await this.session.go(this.count)).ns) / 1e6
      if (ms >= roundMs / 2 || this.count === most) {
        this.count = Math.max(1, Math.min(most, Math.round((this.count * roundMs) / ms)))
        return
      }
      this.count = Math.min(most, this.count * Math.max(2, Math.min(8, Math.floor(roundMs / ms))))
    }
  }

  async round() {
    const session = /** @type {Session} */ (this.session)
    const processes = processesOf(session.process.pid ?? 0)
    const before = cpuOf(processes)
    const reply = await session.go(this.count)
    this.cpu.push({ cpuNs: cpuOf(processes) - before, ns: reply.ns })
    for (const [metric, values] of this.runs) values.push(metric.of(reply))
  }
}
