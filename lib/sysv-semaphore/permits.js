/**
 * One semaphore of a set, as something that permits are taken from.
 */
import { invalidThis, invalidType } from '../errors.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { setOf } from './core.js'
import { Operate } from './line.js'
import { listOfOne, MOST } from './operations.js'

/** @typedef {{ permits?: number, timeout?: number, signal?: AbortSignal }} AcquireOptions */

// By names of their own: a look into the addon, which has a hundred of them, would be felt in each call.
const { sysvSemaphoreOperateOne, sysvSemaphoreValue } = native

/** @type {(permits: SetPermits) => import('./core.js').SetCore} */
let coreOf

const TRUE = /** @type {const} */ (true)

export class SetPermits {
  #core
  #index
  #undo
  #one

  static {
    coreOf = (permits) => {
      if (permits === null || typeof permits !== 'object' || !(#core in permits)) {
        throw invalidThis('the permits of a SysvSemaphoreSet')
      }
      return permits.#core
    }
  }

  /** @param {import('./set.js').SysvSemaphoreSet} set @param {number} index @param {boolean} undo */
  constructor(set, index, undo) {
    this.#core = setOf(set)
    this.#index = index
    this.#undo = undo
    this.#one = listOfOne(index, -1, undo)
  }

  /** @param {unknown} permits @param {string} name */
  #listOf(permits, name) {
    if (permits === undefined || permits === 1) return this.#one
    return listOfOne(this.#index, -integer(name, permits, 1, MOST), this.#undo)
  }

  /** @param {AcquireOptions} [options] @returns {Promise<void>} */
  acquire(options) {
    try {
      const core = coreOf(this)
      const given = objectOf(options)
      const list = this.#listOf(given.permits, 'options.permits')
      const wait = waitOf(given)
      core.check()
      return core.lineOf(list).operate(list, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {number} [permits] */
  tryAcquire(permits) {
    const core = coreOf(this)
    const list = this.#listOf(permits, 'permits')
    core.check()
    return core.tryOperate(list)
  }

  /** @param {{ permits?: number, timeout?: number }} [options] */
  acquireSync(options) {
    const core = coreOf(this)
    const given = objectOf(options)
    const list = this.#listOf(given.permits, 'options.permits')
    const timeout = timeoutOf(given)
    core.check()
    core.operateSync(list, timeout)
  }

  /** @param {number} [permits] */
  release(permits = 1) {
    const core = coreOf(this)
    if (permits !== 1) integer('permits', permits, 1, MOST)
    core.check()
    sysvSemaphoreOperateOne(core.id, this.#index, permits, this.#one.undo)
  }

  get value() {
    const core = coreOf(this)
    core.check()
    return sysvSemaphoreValue(core.id, this.#index)
  }

  [SOURCE]() {
    const core = coreOf(this)
    core.check()
    const list = this.#one
    const now = () => (core.tryOperate(list) ? undefined : BLOCKED)
    const direction = core.lineOf(list)
    return { core, part: direction, direction, operation: new Operate(core, list), now, permit: TRUE }
  }

  /**
   * @template T
   * @param {() => T | Promise<T>} body
   * @param {AcquireOptions} [options]
   * @returns {Promise<T>}
   */
  async with(body, options) {
    const core = coreOf(this)
    if (typeof body !== 'function') throw invalidType('body', 'of type function', body)
    const given = objectOf(options)
    const list = this.#listOf(given.permits, 'options.permits')
    const wait = waitOf(given)
    core.check()
    // Of its own, for somebody may close the handle meanwhile, and the permits go back all the same.
    const { id } = native.sysvSemaphoreDuplicate(core.id)
    try {
      await core.lineOf(list).operate(list, wait)
      try {
        return await body()
      } finally {
        sysvSemaphoreOperateOne(id, this.#index, -list.amount, list.undo)
      }
    } finally {
      native.sysvSemaphoreClose(id)
    }
  }
}
