/**
 * A wait on a thread of the addon's, as a promise. Its end is exact: if it was done before a timeout or an abort could
 * reach it, it has been done.
 */
import { closedError, telling } from '../errors.js'
import { release, retain, ThreadWait } from '../reactor.js'
import { arm, disarm } from './cancel.js'
import { traced } from './traced.js'

/** @typedef {import('../handle.js').Core} Core */
/** @typedef {(reactor: number, token: number) => number | void} Begin as `ThreadWait` has it */

export class Job extends ThreadWait {
  /**
   * @param {Core[]} cores handles whose close ends it
   * @param {(value: any) => void} resolve
   * @param {(error: unknown) => void} reject
   */
  constructor(cores, resolve, reject) {
    super()
    this.cores = cores
    this.resolve = resolve
    this.reject = reject
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** @type {AbortSignal | undefined} */
    this.signal = undefined
    /** Why it was called off. @type {{ error: unknown } | undefined} */
    this.failure = undefined
    this.onClose = () => this.callOff(closedError())
  }

  /** @param {Begin} begin @param {import('../validate.js').Wait} wait */
  start(begin, wait) {
    const { cores } = this
    const value = this.begin(begin)
    if (value !== undefined) {
      this.done(value)
      return
    }
    // The loop goes on for the handles' sake, if they want that; and after their close, to tell that this is done.
    if (cores.length === 0) retain()
    for (const core of cores) {
      core.begin()
      core.closing.add(this.onClose)
    }
    try {
      arm(this, wait)
    } catch (error) {
      // A signal of the user's own making.
      this.abort(error)
    }
  }

  /** @param {any} error @param {number} value */
  ended(error, value) {
    const { cores } = this
    disarm(this)
    if (cores.length === 0) release()
    for (const core of cores) {
      core.end()
      core.closing.delete(this.onClose)
    }
    if (error === undefined) this.done(value)
    else this.failed(error)
  }

  /** @param {number} value */
  done(value) {
    this.resolve(value)
  }

  /** @param {any} error */
  failed(error) {
    this.reject(this.reasonOf(error))
  }

  /** What its caller is told in place of the thread's error. @param {any} error */
  reasonOf(error) {
    return isCallingOff(this, error) ? calledOff(this, error) : error
  }

  /** @param {Error} error */
  expire(error) {
    this.callOff(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.callOff(reason)
  }

  /** @param {unknown} error */
  callOff(error) {
    if (this.failure !== undefined) return
    this.failure = { error }
    this.cancel()
  }
}

/**
 * @param {Begin} begin
 * @param {import('../validate.js').Wait} wait
 * @param {Core[]} cores handles whose close ends it
 * @returns {Promise<number>}
 */
export function runJob(begin, wait, cores = []) {
  if (wait.signal?.aborted) return Promise.reject(wait.signal.reason)
  const settled = new Promise((resolve, reject) => new Job(cores, resolve, reject).start(begin, wait))
  return traced(settled, wait.signal)
}

/** Whatever was removed after it was called off: nothing was done. @param {Job} job @param {any} error */
function isCallingOff({ failure }, { code }) {
  return code === 'ERR_IPC_CANCELLED' || (code === 'EIDRM' && failure !== undefined)
}

/** @param {Job} job @param {{ bytesSent?: number, data?: Buffer }} told */
function calledOff({ failure }, { bytesSent, data }) {
  const error = failure === undefined ? closedError() : failure.error
  if (bytesSent === undefined) return error
  return telling(error, () => (data === undefined ? { bytesSent } : { bytesSent, data }))
}
