/**
 * Something to be done by a worker: it waits in the pool's queue, runs, and settles once.
 */
import { arm, disarm } from '../wait/cancel.js'

/** @typedef {import('./core.js').PoolCore} PoolCore */

export class Task {
  /** @type {NodeJS.Timeout | undefined} */
  timer = undefined
  /** @type {AbortSignal | undefined} */
  signal = undefined
  settled = false
  /** How many workers have died of it, or with it. */
  deaths = 0
  /** Who works on it. @type {import('./member.js').Member | undefined} */
  member = undefined
  /** @type {(value: any) => void} */
  #resolve = () => {}
  /** @type {(error: unknown) => void} */
  #reject = () => {}

  /** @param {PoolCore} pool @param {unknown} value @param {{ handles: import('../handle.js').Handle[], retry: boolean }} how */
  constructor(pool, value, { handles, retry }) {
    this.pool = pool
    this.value = value
    this.handles = handles
    this.retry = retry
    /** @type {Promise<any>} */
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** @param {import('../validate.js').Wait} wait */
  arm(wait) {
    try {
      arm(this, wait)
    } catch (error) {
      // A signal of the user's own making.
      this.abort(error)
    }
  }

  /** @param {unknown} value */
  succeed(value) {
    if (this.#end()) this.#resolve(value)
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.#end()) this.#reject(error)
  }

  #end() {
    if (this.settled) return false
    this.settled = true
    disarm(this)
    this.pool.forget(this)
    return true
  }

  /** @param {Error} error */
  expire(error) {
    // An answer that is there already wins.
    this.member?.look()
    this.abort(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.settled) return
    this.fail(reason)
    this.member?.cancel()
  }
}
