/**
 * One at a time, between processes: first come, first served, and freed by the kernel when its holder dies.
 */
import { invalidType } from '../errors.js'
import { coresOf, Handle } from '../handle.js'
import native from '../load.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { Permits } from '../wait/permits.js'
import { ALONE, LockCore } from './core.js'
import { lockOptionsOf, MUTEX, nameOf } from './options.js'

/** @typedef {import('./guard.js').Guard} Guard */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

export class MutexCore extends LockCore {
  /** @param {number} id @param {import('./options.js').Opened} opened */
  constructor(id, opened) {
    super(id, MUTEX, opened)
    this.permits = new Permits(this, this.source(ALONE))
    this.directions.push(this.permits)
  }
}

const mutexOf = coresOf(MutexCore, 'a Mutex')

export class Mutex extends Handle {
  /** @param {string} name @param {{ mode?: number, anyOwner?: boolean }} [options] */
  static open(name, options) {
    const word = nameOf(name)
    const checked = lockOptionsOf(options)
    return new Mutex(new MutexCore(native.lockOpen(MUTEX, word, checked), { name: word, ...checked }))
  }

  /** @param {string} name */
  static unlink(name) {
    native.lockUnlink(MUTEX, nameOf(name))
  }

  dup() {
    const core = mutexOf(this)
    core.check()
    return /** @type {this} */ (Mutex.open(core.opened.name, core.opened))
  }

  /** @param {WaitOptions} [options] @returns {Promise<Guard>} */
  lock(options) {
    try {
      const core = mutexOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.permits.take(wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {Guard | undefined} */
  tryLock() {
    const core = mutexOf(this)
    core.check()
    const guard = core.permits.tryTake()
    return guard === BLOCKED ? undefined : guard
  }

  /** @param {{ timeout?: number }} [options] @returns {Guard} */
  lockSync(options) {
    const core = mutexOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return core.permits.takeSync(timeout)
  }

  get locked() {
    const core = mutexOf(this)
    core.check()
    return core.reopening(() => Number(native.lockIsHeld(core.id))) !== 0
  }

  /**
   * @template T
   * @param {(guard: Guard) => T | Promise<T>} body
   * @param {WaitOptions} [options]
   * @returns {Promise<T>}
   */
  async with(body, options) {
    const core = mutexOf(this)
    if (typeof body !== 'function') throw invalidType('body', 'of type function', body)
    const wait = waitOf(objectOf(options))
    core.check()
    const guard = await core.permits.take(wait)
    try {
      return await body(guard)
    } finally {
      guard.unlock()
    }
  }
}
