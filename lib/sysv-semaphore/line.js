/**
 * Who waits for one semaphore, or for one list of operations: first come, first served, in front of one thread.
 *
 * The thread does what whoever stands first wants. If he gives up, it goes on for the next one, where that one wants the
 * same; else its wait is ended and begun anew. What it has only taken goes back if nobody wants it any more. What it has
 * given cannot be had back for certain, so of such a list the last one who waits settles with what the thread says.
 */
import { closedError } from '../errors.js'
import native from '../load.js'
import { startWait } from '../reactor.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { Permits } from '../wait/permits.js'

/** @typedef {import('./core.js').SetCore} SetCore */
/** @typedef {import('./operations.js').List} List */

class Operate extends Operation {
  /** @param {SetCore} core @param {List} list */
  constructor(core, list) {
    super()
    this.core = core
    this.list = list
    this.tried = false
    /** Why it is given up as soon as the thread says that it has not been done. @type {{ error: unknown } | undefined} */
    this.calledOff = undefined
  }

  get mayFail() {
    return true
  }

  attempt() {
    this.tried = true
    // What is given is given once: by the thread, if it is about to.
    if (this.list.gives && /** @type {Line | undefined} */ (this.direction)?.job !== undefined) return BLOCKED
    try {
      return this.core.attempt(this.list)
    } catch (error) {
      // Removed while it waited: a thread will be told so as those are who wait.
      if (this.direction !== undefined && /** @type {any} */ (error).code === 'EINVAL') return BLOCKED
      throw error
    }
  }

  /** @param {Error} error */
  expire(error) {
    if (!this.callOff(error)) super.expire(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (!this.callOff(reason)) super.abort(reason)
  }

  /** Whether only the thread can say what becomes of it. @param {unknown} error */
  callOff(error) {
    const line = /** @type {Line | undefined} */ (this.direction)
    if (line === undefined || !this.list.gives || line.job === undefined) return false
    if (line.head !== this || this.next !== undefined) return false
    this.calledOff ??= { error }
    line.job.cancel()
    return true
  }
}

export class Line extends Permits {
  /** @param {SetCore} core @param {string | undefined} name of the only list that is waited for here */
  constructor(core, name) {
    // What is taken is for each who waits to say, so this is never asked.
    super(core, { tryTake: () => BLOCKED, beginTake: () => {} })
    this.name = name
    /** What the thread is to do. @type {List | undefined} */
    this.list = undefined
  }

  /** @param {List} list @param {import('../validate.js').Wait} wait @returns {Promise<void>} */
  operate(list, wait) {
    return this.submit(new Operate(/** @type {SetCore} */ (this.core), list), wait)
  }

  /** @returns {List | undefined} */
  get wanted() {
    return /** @type {Operate | undefined} */ (this.head)?.list
  }

  /** @param {any} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    const { name } = this
    const settled = super.enqueue(operation, wait)
    if (name !== undefined && this.head !== undefined) /** @type {SetCore} */ (this.core).lists.set(name, this)
    return settled
  }

  begin() {
    const list = /** @type {List} */ (this.wanted)
    const { id } = this.core
    this.list = list
    const started = startWait(
      (reactor, token) => native.sysvSemaphoreWait(reactor, token, id, list.frame),
      (error) => this.ended(error),
      () => this.wanted?.name === list.name,
    )
    if ('cancel' in started) this.job = started
  }

  /** @param {any} error */
  ended(error) {
    this.job = undefined
    // There is nothing any more that anybody could wait for.
    if (error?.code === 'EIDRM') this.failAll(error)
    const head = /** @type {Operate | undefined} */ (this.head)
    const concerned = head !== undefined && head.list.name === this.list?.name
    if (concerned && head.calledOff !== undefined && error !== undefined) {
      this.remove(head)
      head.reject(head.calledOff.error)
    } else if (concerned && error?.code !== 'ERR_IPC_CANCELLED') {
      this.remove(head)
      if (error === undefined) head.resolve(undefined)
      else head.reject(error)
    }
    this.onReady()
  }

  /** @param {any} error */
  failAll(error) {
    for (let operation = this.head; operation !== undefined; operation = this.head) {
      this.fail(operation, Object.assign(new Error(error.message), error))
    }
  }

  /** @param {Operation} operation */
  remove(operation) {
    super.remove(operation)
    if (this.head === undefined) {
      const { lists } = /** @type {SetCore} */ (this.core)
      if (this.name !== undefined && lists.get(this.name) === this) lists.delete(this.name)
    } else if (this.wanted?.name !== this.list?.name) {
      this.job?.cancel()
    }
  }

  close() {
    const head = /** @type {Operate | undefined} */ (this.head)
    for (let operation = head?.next; operation !== undefined; operation = head?.next) {
      this.remove(operation)
      operation.reject(closedError())
    }
    if (!head?.callOff(closedError())) super.close()
  }
}
