/**
 * Blocking forms: JS waits in slices, so that worker.terminate() and process.exit() can end it between two of them.
 */
import { timedOut } from '../errors.js'
import { BLOCKED } from './direction.js'

/** Milliseconds. */
const SLICE = 100

/**
 * Tries until it is done.
 * @template T
 * @param {() => T | typeof BLOCKED} attempt
 * @param {(milliseconds: number) => void} block returns when trying again makes sense, or after that time
 * @param {number} timeout
 * @returns {T}
 */
export function blockUntil(attempt, block, timeout) {
  const deadline = performance.now() + timeout
  for (;;) {
    const result = attempt()
    if (result !== BLOCKED) return /** @type {T} */ (result)
    const left = deadline - performance.now()
    if (left <= 0) throw timedOut()
    block(left < SLICE ? Math.ceil(left) : SLICE)
  }
}

/**
 * The same for a call that waits and tries in one: a native call less for each message.
 * @template T
 * @param {(milliseconds: number) => T | typeof BLOCKED} attempt waits for at most so long, then tries
 * @param {number} timeout
 * @returns {T}
 */
export function waitAndTry(attempt, timeout) {
  const deadline = timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
  for (let left = timeout; ; left = deadline - performance.now()) {
    const result = attempt(left < SLICE ? Math.max(0, Math.ceil(left)) : SLICE)
    if (result !== BLOCKED) return /** @type {T} */ (result)
    if (left <= 0) throw timedOut()
  }
}
