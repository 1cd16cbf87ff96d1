import { arm, disarm } from './cancel.js'

/**
 * A promise of somebody else's, waited for with a timeout and a signal. What it settles with is not lost: it can be asked
 * again.
 * @template T
 * @param {Promise<T>} promise
 * @param {import('../validate.js').Wait} wait
 * @returns {Promise<T>}
 */
export async function withWait(promise, wait) {
  if (wait.signal?.aborted) throw wait.signal.reason
  return new Promise((resolve, reject) => {
    const giveUp = /** @param {unknown} error */ (error) => {
      disarm(operation)
      reject(error)
    }
    /** @type {import('./cancel.js').Cancellable} */
    const operation = { timer: undefined, signal: undefined, expire: giveUp, abort: giveUp }
    arm(operation, wait)
    promise.then(resolve, reject).finally(() => disarm(operation))
  })
}
