/**
 * A wait on a thread of the addon's, as a promise. Its end is exact: if it was done before a timeout or an abort could
 * reach it, it has been done.
 */
import { closedError, retrace, telling } from '../errors.js'
import { release, retain, startWait } from '../reactor.js'
import { arm, disarm } from './cancel.js'

/** @typedef {import('../handle.js').Core} Core */

class Job {
  /** @type {NodeJS.Timeout | undefined} */
  timer = undefined
  /** @type {AbortSignal | undefined} */
  signal = undefined
  /** Why it was called off. @type {{ error: unknown } | undefined} */
  failure = undefined
  /** @type {(() => void) | undefined} */
  cancel = undefined

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
    this.cancel?.()
  }
}

/**
 * @param {(reactor: number, token: number) => number | void} begin as `startWait` has it
 * @param {import('../validate.js').Wait} wait
 * @param {Core[]} cores handles whose close ends it
 * @returns {Promise<number>}
 */
export async function runJob(begin, wait, cores = []) {
  if (wait.signal?.aborted) throw wait.signal.reason
  const job = new Job()
  const onClose = () => job.callOff(closedError())
  try {
    return await new Promise((resolve, reject) => {
      const started = startWait(begin, (error, value) => {
        disarm(job)
        if (cores.length === 0) release()
        for (const core of cores) {
          core.end()
          core.closing.delete(onClose)
        }
        if (error === undefined) resolve(value)
        else reject(isCallingOff(job, error) ? calledOff(job, error) : error)
      })
      if ('value' in started) {
        resolve(started.value)
        return
      }
      // The loop goes on for the handles' sake, if they want that; and after their close, to tell that this is done.
      if (cores.length === 0) retain()
      for (const core of cores) {
        core.begin()
        core.closing.add(onClose)
      }
      job.cancel = started.cancel
      try {
        arm(job, wait)
      } catch (error) {
        // A signal of the user's own making.
        job.callOff(error)
      }
    })
  } catch (error) {
    throw wait.signal?.aborted && error === wait.signal.reason ? error : retrace(error)
  }
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
