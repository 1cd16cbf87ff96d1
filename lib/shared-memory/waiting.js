/**
 * Waits until a word of shared memory is told to have changed: a futex, of which each wait in the kernel has a thread.
 */
import { isMainThread } from 'node:worker_threads'
import { tooManyPending } from '../errors.js'
import native from '../load.js'
import { waitHere } from '../reactor.js'
import { Job } from '../wait/job.js'
import { traced } from '../wait/traced.js'
import { offsets, values32 } from './words.js'

/** @typedef {import('./core.js').MemoryCore} MemoryCore */
/** @typedef {'ok' | 'not-equal' | 'timed-out'} Answer */

// As src/shared_memory.rs numbers them.
const BLOCKED = 0
const NOT_EQUAL = 1
const FOR_EVER = 0xffffffff

class Waiter extends Job {
  timedOut = false

  expire() {
    this.timedOut = true
    this.callOff(undefined)
  }

  /** @param {number} value */
  done(value) {
    this.resolve(value === NOT_EQUAL ? 'not-equal' : 'ok')
  }

  /** @param {any} error */
  failed(error) {
    if (this.timedOut && error.code === 'ERR_IPC_CANCELLED') this.resolve('timed-out')
    else super.failed(error)
  }
}

/**
 * @param {MemoryCore} core
 * @param {number} offset
 * @param {number} expected
 * @param {import('../validate.js').Wait} wait
 * @returns {Promise<Answer>}
 */
export function waitFor(core, offset, expected, wait) {
  if (wait.signal?.aborted) return Promise.reject(wait.signal.reason)
  if (wait.timeout === 0) return Promise.resolve(answerNow(core, offset, expected))
  if (core.waiting >= core.pendingLimit) return Promise.reject(tooManyPending(core.pendingLimit))
  const begin = /** @param {number} reactor @param {number} token */ (reactor, token) =>
    native.sharedMemoryWait(reactor, token, core.id, offset, expected)
  const settled = new Promise((resolve, reject) => new Waiter([core], resolve, reject).start(begin, wait))
  return traced(settled, wait.signal)
}

/** @param {MemoryCore} core @param {number} offset @param {number} expected @returns {Answer} */
function answerNow(core, offset, expected) {
  offsets[0] = offset
  return native.sharedMemoryAtomic32(core.id, 0) === (expected | 0) ? 'timed-out' : 'not-equal'
}

/**
 * @param {MemoryCore} core
 * @param {number} offset
 * @param {number} expected
 * @param {number} timeout
 * @returns {Answer}
 */
export function waitForSync(core, offset, expected, timeout) {
  if (timeout === 0) return answerNow(core, offset, expected)
  if (!isMainThread) return standIn(core, offset, expected, timeout)
  offsets[0] = offset
  values32[2] = expected
  const deadline = timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
  let left = timeout
  for (let first = true; ; first = false) {
    const answer = native.sharedMemoryWaitSync(core.id, left < FOR_EVER ? Math.max(0, Math.ceil(left)) : FOR_EVER)
    // It was equal before a signal came: what has changed it meanwhile would have woken us.
    if (answer === NOT_EQUAL) return first ? 'not-equal' : 'ok'
    if (answer !== BLOCKED) return 'ok'
    if (deadline !== Number.POSITIVE_INFINITY) left = deadline - performance.now()
    if (left <= 0) return 'timed-out'
  }
}

/**
 * A worker that is terminated has to see it, so it cannot stand in the kernel itself for long; and while it looked, it would
 * miss a notice. So a thread keeps its place there.
 * @param {MemoryCore} core
 * @param {number} offset
 * @param {number} expected
 * @param {number} timeout
 * @returns {Answer}
 */
function standIn(core, offset, expected, timeout) {
  const begin = /** @param {number} reactor @param {number} token */ (reactor, token) =>
    native.sharedMemoryWait(reactor, token, core.id, offset, expected)
  const answer = waitHere(begin, timeout)
  if (answer === undefined) return 'timed-out'
  return answer === NOT_EQUAL ? 'not-equal' : 'ok'
}
