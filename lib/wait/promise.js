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
  wait.signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const operation = { timer: undefined, signal: undefined, expire: reject, abort: reject }
    arm(operation, wait)
    promise.then(resolve, reject).finally(() => disarm(operation))
  })
}
