/**
 * Who waits for one semaphore, or for one list of operations: first come, first served, in front of one thread.
 *
 * The thread does what whoever stands first wants. If he gives up, it goes on for the next one, where that one wants the
 * same; else its wait is ended and begun anew. What it has only taken goes back if nobody wants it any more. What it has
 * given cannot be had back for certain, so before the last one who waits for such a list gives up the thread is asked.
 */
import { closedError } from '../errors.js'
import native from '../load.js'
import { startWait } from '../reactor.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { Permits } from '../wait/permits.js'
import { oppositeOf } from './operations.js'

/** @typedef {import('./core.js').SetCore} SetCore */
/** @typedef {import('./operations.js').List} List */

export class Operate extends Operation {
  /** @param {SetCore} core @param {List} list */
  constructor(core, list) {
    super()
    this.core = core
    this.list = list
    this.tried = false
  }

  get mayFail() {
    return true
  }

  attempt() {
    this.tried = true
    const line = /** @type {Line | undefined} */ (this.direction)
    // What is given is given once: by the thread, if it is about to.
    if (this.list.gives && line?.job !== undefined) return BLOCKED
    try {
      return this.core.attempt(this.list)
    } catch (error) {
      // Removed while it waited: a thread will be told so as those are who wait.
      if (line !== undefined && /** @type {any} */ (error).code === 'EINVAL') return BLOCKED
      throw error
    }
  }

  /** What the thread has just done wins over a timeout, too. */
  hurry() {
    const line = /** @type {Line | undefined} */ (this.direction)
    if (line === undefined) return
    line.onReady()
    if (line.head === this) line.look()
    if (this.direction !== undefined && this.core.recall()) line.onReady()
  }

  /** @param {unknown} reason */
  abort(reason) {
    const line = /** @type {Line | undefined} */ (this.direction)
    if (this.list.gives && line?.head === this) line.look()
    if (this.direction !== undefined) line?.fail(this, reason)
  }
}

export class Line extends Permits {
  /** @param {SetCore} core @param {string | undefined} name of the only list that is waited for here */
  constructor(core, name) {
    // What is taken is for each who waits to say, so this is never asked.
    super(core, { tryTake: () => BLOCKED, beginTake: () => {} })
    this.set = core
    this.name = name
    /** What the thread is to do, or was to do last. @type {List | undefined} */
    this.list = undefined
  }

  /** @param {List} list @param {import('../validate.js').Wait} wait @returns {Promise<void>} */
  operate(list, wait) {
    if (wait.timeout === 0) this.set.recall()
    return this.submit(new Operate(this.set, list), wait)
  }

  /** Whether whoever stands first wants what the thread is to do. */
  get isWanted() {
    const head = /** @type {Operate | undefined} */ (this.head)
    return head !== undefined && head.list.name === this.list?.name
  }

  /** @param {any} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    const { name } = this
    const settled = super.enqueue(operation, wait)
    if (name !== undefined && this.head !== undefined) this.set.lists.set(name, this)
    return settled
  }

  begin() {
    const { list } = /** @type {Operate} */ (/** @type {unknown} */ (this.head))
    const { id } = this.core
    const started = startWait(
      (reactor, token) => native.sysvSemaphoreWait(reactor, token, id, list.frame),
      (error) => this.ended(error),
      () => this.isWanted,
    )
    this.list = list
    if ('cancel' in started) this.job = started
  }

  /** @param {any} error */
  ended(error) {
    this.job = undefined
    this.set.leaving.delete(this)
    if (error === undefined) this.done()
    // There is nothing any more that anybody could wait for.
    else if (error.code === 'EIDRM') this.failAll(error)
    else if (error.code !== 'ERR_IPC_CANCELLED' && this.isWanted) this.settle((head) => head.reject(error))
    this.onReady()
  }

  /** What the thread was to do has been done. */
  done() {
    if (this.isWanted) {
      this.settle((head) => head.resolve(undefined))
    } else if (this.list !== undefined && !this.list.gives) {
      this.set.attempt(oppositeOf(this.list))
    }
  }

  /** @param {(head: Operation) => void} how */
  settle(how) {
    const head = /** @type {Operation} */ (this.head)
    this.remove(head)
    how(head)
  }

  /** @param {any} error */
  failAll(error) {
    while (this.head !== undefined) this.settle((head) => head.reject(Object.assign(new Error(error.message), error)))
  }

  /**
   * This JS thread is about to block, and what the other one does meanwhile could reach nobody: so that one's wait is ended.
   * @param {List} list what this thread is about to block for
   * @returns {boolean} whether that has been done by now
   */
  recallFor(list) {
    this.set.leaving.delete(this)
    if (this.recall() === undefined) return false
    if (list.name === this.list?.name) return true
    this.done()
    return false
  }

  /** @param {Operation} operation */
  remove(operation) {
    super.remove(operation)
    const { lists, leaving } = this.set
    if (this.job !== undefined && !this.isWanted) leaving.add(this)
    if (this.head === undefined) {
      if (this.name !== undefined && lists.get(this.name) === this) lists.delete(this.name)
    } else if (!this.isWanted) {
      this.job?.cancel()
    }
  }

  close() {
    while (this.tail !== undefined && this.tail !== this.head) this.fail(this.tail, closedError())
    const head = /** @type {Operate | undefined} */ (this.head)
    if (head?.list.gives) this.look()
    super.close()
  }
}
