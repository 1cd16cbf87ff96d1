/**
 * Processes for tasks: a channel to each, and calls over it.
 */
import { invalidState, retrace, timedOut, tooManyPending } from '../errors.js'
import { coresOf, fix, Handle } from '../handle.js'
import { objectOf, waitOf } from '../validate.js'
import { withWait } from '../wait/promise.js'
import { PoolCore } from './core.js'
import { runOptionsOf, termsOf } from './options.js'
import { Task } from './task.js'

const coreOf = coresOf(PoolCore, 'a WorkerPool')

export class WorkerPool extends Handle {
  /**
   * @param {string | URL} modulePath
   * @param {{ size?: number, handles?: Record<string, Handle>, execArgv?: string[], env?: NodeJS.ProcessEnv }} [options]
   */
  static start(modulePath, options) {
    const terms = termsOf(modulePath, options)
    const core = new PoolCore(terms)
    try {
      for (let count = 0; count < terms.size; count++) core.enlist()
    } catch (error) {
      core.close()
      throw error
    }
    const pool = new WorkerPool(core)
    fix(pool, 'size', terms.size)
    return pool
  }

  get pending() {
    return coreOf(this).tasks.size
  }

  /**
   * @param {unknown} task
   * @param {{ handles?: Handle[], retry?: boolean, timeout?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  async run(task, options) {
    const core = coreOf(this)
    const { wait, retry, handles } = runOptionsOf(options)
    core.check()
    if (core.draining) throw invalidState('The pool is draining: it takes no more tasks')
    if (wait.signal?.aborted) throw wait.signal.reason
    if (core.broken !== undefined) throw core.broken()
    if (core.tasks.size >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
    // No answer is there at once.
    if (wait.timeout === 0) throw timedOut()
    const one = new Task(core, task, { handles, retry })
    core.add(one)
    one.arm(wait)
    try {
      return await one.outcome
    } catch (error) {
      throw wait.signal?.aborted && error === wait.signal.reason ? error : retrace(error)
    }
  }

  /**
   * Takes no more tasks, lets those end that there are, then the workers, and closes.
   * @param {{ timeout?: number, signal?: AbortSignal }} [options]
   */
  async drain(options) {
    const core = coreOf(this)
    const wait = waitOf(objectOf(options))
    if (wait.signal?.aborted) throw wait.signal.reason
    if (core.closed) return
    core.draining = true
    await withWait(drained(core), wait)
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.drain()
  }
}

/** @param {PoolCore} core */
async function drained(core) {
  if (core.tasks.size > 0) {
    await new Promise((resolve) => {
      const told = () => {
        core.quiet.delete(told)
        resolve(undefined)
      }
      core.quiet.add(told)
    })
  }
  await core.dismiss()
  core.close()
}
