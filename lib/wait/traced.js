/**
 * Errors are made in callbacks; here they get the stack of whoever awaits them. A signal's reason is the user's own.
 */
import { retrace } from '../errors.js'

/**
 * Not by an async function: each would cost twice what all else of a wait does.
 * @param {Promise<any>} promise
 * @param {AbortSignal | undefined} signal
 */
function tracedByThen(promise, signal) {
  if (signal === undefined) return promise.then(undefined, failAnew)
  return promise.then(undefined, (error) => {
    if (signal.aborted && error === signal.reason) throw error
    failAnew(error)
  })
}

/** @param {unknown} error */
function failAnew(error) {
  throw retrace(error)
}

/**
 * The same where the engine finds out who awaits through async functions alone.
 * @param {Promise<any>} promise
 * @param {AbortSignal | undefined} signal
 */
async function tracedByAwait(promise, signal) {
  try {
    return await promise
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error
    throw retrace(error)
  }
}

export const traced = process.versions.bun === undefined ? tracedByThen : tracedByAwait
