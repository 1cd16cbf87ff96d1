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
