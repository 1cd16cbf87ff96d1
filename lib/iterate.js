/**
 * `for await` over whatever receives: plain objects, not generators, whose return() would wait behind a pending next().
 */
import { invalidState } from './errors.js'

/** @typedef {import('./wait/direction.js').Operation} Operation */

const DONE = Object.freeze({ value: undefined, done: true })

/**
 * @template T
 * @param {import('./handle.js').Core} core
 * @param {() => Pick<import('./wait/direction.js').Direction, 'submit'>} directionOf
 * @param {() => Operation} receive makes an operation that receives one message; its result null is the end
 * @param {import('./validate.js').Wait} wait
 * @returns {AsyncIterableIterator<T>}
 */
export function iterate(core, directionOf, receive, wait) {
  /** @type {Set<Operation>} */
  const pending = new Set()
  let finished = false

  return {
    async next() {
      if (finished || core.closed) return DONE
      core.check()
      const operation = receive()
      pending.add(operation)
      try {
        const value = await directionOf().submit(operation, wait)
        if (value !== null && value !== undefined) return { value, done: false }
        finished = true
        return DONE
      } catch (error) {
        if (finished || core.closed) return DONE
        finished = true
        throw error
      } finally {
        pending.delete(operation)
      }
    },
    async return() {
      finished = true
      for (const operation of pending) operation.direction?.fail(operation, invalidState('The iteration has ended'))
      return DONE
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
