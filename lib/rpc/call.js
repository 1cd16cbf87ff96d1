/**
 * A call that waits for its answer.
 */
import { retrace } from '../errors.js'
import { arm, disarm } from '../wait/cancel.js'

/** @typedef {import('./client-core.js').ClientCore} ClientCore */
/** @typedef {import('../validate.js').Wait} Wait */

/** Whatever is in a client's table. */
export class Call {
  /** @param {ClientCore} core @param {number} id */
  constructor(core, id) {
    this.core = core
    this.id = id
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** @type {AbortSignal | undefined} */
    this.signal = undefined
    /** @type {(value: any) => void} */
    this.resolve = nothing
    /** @type {(error: unknown) => void} */
    this.reject = nothing
    /** The answer, for a caller that awaits it. @type {Promise<any>} */
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** @param {Wait} wait */
  arm(wait) {
    try {
      arm(this, wait)
    } catch (error) {
      // A signal of the user's own making.
      this.giveUp(error)
    }
  }

  /** It has been taken from the table. */
  settled() {
    if (this.timer !== undefined || this.signal !== undefined) disarm(this)
  }

  /** @param {unknown} value */
  succeed(value) {
    this.settled()
    this.resolve(value)
  }

  /** @param {unknown} error */
  fail(error) {
    this.settled()
    this.reject(error)
  }

  /** @param {Error} error */
  expire(error) {
    // An answer that is there already wins.
    this.core.link.look()
    this.giveUp(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.giveUp(reason)
  }

  /** Nobody waits any more, and the other side is told. @param {unknown} error */
  giveUp(error) {
    if (!this.core.remove(this)) return
    this.core.cancel(this.id)
    this.fail(error)
  }
}

/** One that its caller waits for with the thread blocked. */
export class SyncCall {
  /** @param {number} id */
  constructor(id) {
    this.id = id
    this.done = false
    /** @type {any} */
    this.value = undefined
    /** @type {unknown} */
    this.error = undefined
    this.failed = false
  }

  /** @param {unknown} value */
  succeed(value) {
    this.done = true
    this.value = value
  }

  /** @param {unknown} error */
  fail(error) {
    this.done = true
    this.failed = true
    this.error = error
  }
}

/**
 * Errors come from callbacks; here they get the stack of whoever awaits them. A signal's reason is the user's own.
 * @param {Call} call
 * @param {Wait} wait
 */
export async function answerOf(call, { signal }) {
  try {
    return await call.answer
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? error : retrace(error)
  }
}

function nothing() {}
