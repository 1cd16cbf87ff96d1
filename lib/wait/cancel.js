/**
 * Timeout and abort, for everything in the package that waits.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { timedOut } from '../errors.js'

/** The longest that one timer of the runtime can be set to. */
const LONGEST = 0x7fffffff

/**
 * What can be called off. `expire` and `abort` decide whether it really ends: what can be done at once wins.
 * @typedef {object} Cancellable
 * @property {NodeJS.Timeout | undefined} timer
 * @property {AbortSignal | undefined} signal
 * @property {(error: Error) => void} expire
 * @property {(reason: unknown) => void} abort
 */

/** One listener for each signal, however many operations wait on it. @type {WeakMap<AbortSignal, Set<Cancellable>>} */
const waiting = new WeakMap()

/**
 * Calls `operation` off after `timeout`, or when `signal` aborts, unless it is disarmed before.
 * @param {Cancellable} operation
 * @param {import('../validate.js').Wait} wait whose signal has not aborted yet
 */
export function arm(operation, { timeout, signal }) {
  if (timeout !== Number.POSITIVE_INFINITY) setTimer(operation, performance.now() + timeout)
  if (signal === undefined) return
  operation.signal = signal
  const operations = waiting.get(signal)
  if (operations !== undefined && operations.size > 0) {
    operations.add(operation)
    return
  }
  waiting.set(signal, new Set([operation]))
  signal.addEventListener('abort', onAbort)
}

/** Leaves no timer and no listener behind. @param {Cancellable} operation */
export function disarm(operation) {
  if (operation.timer !== undefined) {
    clearTimeout(operation.timer)
    operation.timer = undefined
  }
  const { signal } = operation
  if (signal === undefined) return
  operation.signal = undefined
  const operations = waiting.get(signal)
  if (!operations?.delete(operation) || operations.size > 0) return
  try {
    signal.removeEventListener('abort', onAbort)
  } catch {
    // A signal of the user's own making. Whoever waited is to be served all the same.
  }
}

/** @param {Cancellable} operation @param {number} deadline */
function setTimer(operation, deadline) {
  // Rounded up, for a timer may come early but a timeout may not. It may have passed since somebody looked, and of what is
  // below 1 newer releases of Node warn.
  const left = Math.min(LONGEST, Math.max(1, Math.ceil(deadline - performance.now())))
  operation.timer = setTimeout(() => {
    operation.timer = undefined
    if (performance.now() < deadline) setTimer(operation, deadline)
    else operation.expire(timedOut())
  }, left)
  // Whether the loop goes on is for the handle to say, not for the timer.
  operation.timer.unref()
}

/** @this {AbortSignal} */
function onAbort() {
  for (const operation of [...(waiting.get(this) ?? [])]) operation.abort(this.reason)
}
