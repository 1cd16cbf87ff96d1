/**
 * Waits, with a mutex given up meanwhile, until another process notifies.
 */
import { isMainThread } from 'node:worker_threads'
import { invalidState, invalidType, timedOut, tooManyPending } from '../errors.js'
import { Core, coresOf, Handle } from '../handle.js'
import native from '../load.js'
import { FOR_EVER, integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { Job } from '../wait/job.js'
import { traced } from '../wait/traced.js'
import { Guard } from './guard.js'
import { MutexCore } from './mutex.js'
import { CONDITION, lockOptionsOf, nameOf } from './options.js'
import { reopening } from './reopening.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

/** In place of milliseconds. */
const LONGEST = 0xffffffff
/** Milliseconds: so soon a worker that is being terminated is to see it. The main thread cannot be. */
const SLICE = isMainThread ? LONGEST : 100
const DONE = 0

const NATIVE = { close: native.conditionClose }

class ConditionCore extends Core {
  /** @param {number} id @param {import('./options.js').Opened} opened */
  constructor(id, opened) {
    super(id, -1, NATIVE)
    this.opened = opened
  }

  /** @template T @param {() => T} call @returns {T} */
  reopening(call) {
    return reopening(CONDITION, this.id, call)
  }
}

const conditionOf = coresOf(ConditionCore, 'a Condition')

export class Condition extends Handle {
  /** @param {string} name @param {{ mode?: number, anyOwner?: boolean }} [options] */
  static open(name, options) {
    const word = nameOf(name)
    const checked = lockOptionsOf(options)
    return new Condition(new ConditionCore(native.lockOpen(CONDITION, word, checked), { name: word, ...checked }))
  }

  /** @param {string} name */
  static unlink(name) {
    native.lockUnlink(CONDITION, nameOf(name))
  }

  dup() {
    const core = conditionOf(this)
    core.check()
    return /** @type {this} */ (Condition.open(core.opened.name, core.opened))
  }

  /** @param {Guard} guard @param {WaitOptions} [options] @returns {Promise<void>} */
  wait(guard, options) {
    try {
      const core = conditionOf(this)
      const wait = waitOf(objectOf(options))
      if (wait.signal?.aborted) throw wait.signal.reason
      const mutex = mutexOf(guard)
      core.check()
      if (wait.timeout === 0) throw timedOut()
      if (core.waiting >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
      const job = new Notice(core, mutex, guard)
      // It is counted before the mutex is given up, so whoever locks it next and notifies finds it.
      job.start((reactor, token) => core.reopening(() => native.conditionWait(reactor, token, core.id)), wait)
      try {
        Guard.lend(guard)()
      } catch (error) {
        // A signal of the user's own making may have closed the mutex.
        job.callOff(error)
      }
      return traced(job.settled, wait.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {Guard} guard @param {{ timeout?: number }} [options] */
  waitSync(guard, options) {
    const core = conditionOf(this)
    const timeout = timeoutOf(objectOf(options))
    const mutex = mutexOf(guard)
    core.check()
    if (timeout === 0) throw timedOut()
    core.reopening(() => native.conditionBegin(core.id))
    Guard.lend(guard)()
    try {
      waitHere(core, timeout)
    } finally {
      Guard.restore(guard)
      Guard.restore(guard, mutex.permits.takeSync(Number.POSITIVE_INFINITY))
    }
  }

  /** @param {number} [count] */
  notify(count = 1) {
    const core = conditionOf(this)
    const most = count === Number.POSITIVE_INFINITY ? LONGEST : Math.min(integer('count', count), LONGEST)
    core.check()
    return core.reopening(() => native.conditionNotify(core.id, most))
  }
}

/** Waits to be notified, and then for the mutex, come what may. */
class Notice extends Job {
  /** @param {ConditionCore} core @param {MutexCore} mutex @param {Guard} guard */
  constructor(core, mutex, guard) {
    let resolve = (/** @type {any} */ _value) => {}
    const settled = new Promise((settle) => {
      resolve = settle
    })
    super([core], resolve, resolve)
    /** @type {Promise<void>} */
    this.settled = settled
    this.mutex = mutex
    this.guard = guard
  }

  done() {
    this.resolve(this.locked())
  }

  /** @param {any} error */
  failed(error) {
    this.resolve(this.locked({ error: this.reasonOf(error) }))
  }

  /** @param {{ error: unknown }} [failure] of the wait */
  async locked(failure) {
    const { guard, mutex } = this
    try {
      Guard.restore(guard, await mutex.permits.take(FOR_EVER))
    } catch (error) {
      Guard.restore(guard)
      throw error
    }
    if (failure !== undefined) throw failure.error
  }
}

/** @param {unknown} guard @returns {MutexCore} */
function mutexOf(guard) {
  if (!(guard instanceof Guard)) throw invalidType('guard', 'the guard of a Mutex', guard)
  const owner = Guard.ownerOf(guard)
  if (owner === undefined) throw invalidState('The guard holds nothing')
  if (!(owner instanceof MutexCore)) throw invalidType('guard', 'the guard of a Mutex', guard)
  owner.check()
  return owner
}

/** @param {ConditionCore} core @param {number} timeout */
function waitHere(core, timeout) {
  const deadline = performance.now() + timeout
  try {
    for (let left = timeout; ; left = deadline - performance.now()) {
      const slice = left < SLICE ? Math.max(0, Math.ceil(left)) : SLICE
      if (native.conditionWaitSync(core.id, slice) === DONE) return
      if (left <= 0) throw timedOut()
    }
  } finally {
    native.conditionGiveUp(core.id)
  }
}
