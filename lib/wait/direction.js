/**
 * Who waits for one direction of one handle (receiving or sending), first come, first served, and whether trying makes
 * sense now. Kinds of messages that do not hold each other up have a direction each.
 */
import { closedError, timedOut, tooManyPending } from '../errors.js'
import { HANGUP, mayTakeAtOnce } from '../reactor.js'
import { FOR_EVER } from '../validate.js'
import { arm, disarm } from './cancel.js'
import { lookSoon } from './presumption.js'
import { traced } from './traced.js'

/** What an attempt gives when it would have to wait. */
export const BLOCKED = Symbol('blocked')

/** How long a presumption that was wrong once is not made again: so often the kernel has to say EAGAIN. */
const DISTRUST = 64

/** @typedef {import('../validate.js').Wait} Wait */

/**
 * Something that waits for its turn and for readiness. A subclass says how it is tried.
 */
export class Operation {
  constructor() {
    /** @type {Operation | undefined} */
    this.next = undefined
    /** @type {Operation | undefined} */
    this.previous = undefined
    /** @type {Direction | undefined} */
    this.direction = undefined
    /** @type {(value: any) => void} */
    this.resolve = unsettled
    /** @type {(error: unknown) => void} */
    this.reject = unsettled
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** @type {AbortSignal | undefined} */
    this.signal = undefined
    /** It goes on waiting, but its last attempt was not in vain. */
    this.served = false
  }

  /**
   * Does it without waiting: the result, or BLOCKED if that cannot be. Throws if it has failed.
   * @returns {any}
   */
  attempt() {
    return BLOCKED
  }

  /** Whether the kernel may well refuse it. */
  get mayFail() {
    return false
  }

  /** It has to wait, so from here on the caller goes on. */
  queued() {}

  /**
   * The error of a wait that was given up. A subclass adds how far it got, and deals with what is half done.
   * @param {unknown} error
   * @returns {unknown}
   */
  failure(error) {
    return error
  }

  /** Its time is over: what can be done at once wins over a timeout, in the order of the queue. */
  hurry() {
    this.direction?.onReady()
  }

  /** @param {Error} error */
  expire(error) {
    this.hurry()
    this.direction?.fail(this, error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.direction?.fail(this, reason)
  }
}

/** Keeps its place at the head of the queue until it is released: others wait behind it meanwhile. */
class Hold extends Operation {
  held = false

  attempt() {
    this.held = true
    return undefined
  }
}

export class Direction {
  /**
   * @param {import('../handle.js').Core} core whose waits these are
   * @param {() => void} watch has the reactor tell of readiness; called before the first wait, and not again
   */
  constructor(core, watch) {
    this.core = core
    /** @type {Operation | undefined} */
    this.head = undefined
    /** @type {Operation | undefined} */
    this.tail = undefined
    /** Whether trying makes sense: readiness is told at its edges, so it is remembered until the kernel says EAGAIN. */
    this.ready = true
    /** The other side is gone: no edge will ever come again, so trying always makes sense. */
    this.hungUp = false
    /** It is not ready as far as can be guessed: nobody has asked the kernel. */
    this.presumed = false
    this.distrust = 0
    /** @type {(() => void) | undefined} */
    this.watch = watch
  }

  /** Whether an operation may be tried before it is queued: nobody stands ahead, and it is not known to be in vain. */
  get open() {
    return this.head === undefined && (this.ready || this.hungUp)
  }

  /** The kernel has said that there is nothing to be done now. */
  exhausted() {
    this.ready = false
    this.presumed = false
    if (this.distrust > 0) this.distrust--
  }

  /** It looks as if there were nothing to be done now. */
  presumeExhausted() {
    if (this.distrust > 0) return
    this.ready = false
    this.presumed = true
  }

  /** Whoever waits does so on a presumption. */
  lookAgain() {
    if (!this.presumed || this.head === undefined) return
    this.presumed = false
    if (!this.onReady()) return
    this.ready = true
    this.distrust = DISTRUST
  }

  /**
   * Does `operation` now or when its turn comes and it can be done.
   * @param {Operation} operation
   * @param {Wait} wait
   * @returns {Promise<any>}
   */
  submit(operation, wait) {
    const { signal } = wait
    if (signal !== undefined) {
      if (signal.aborted) return Promise.reject(signal.reason)
      // A signal of the user's own making may have closed it.
      if (this.core.closed) return Promise.reject(closedError())
    }
    const now = wait.timeout === 0
    if (now && this.head !== undefined) this.onReady()
    // What may not wait is tried even though it seems to be in vain.
    const must = now || this.core.waiting >= this.core.pendingLimit
    if (this.open || (must && this.head === undefined)) {
      if (must || mayTakeAtOnce(this)) {
        const result = operation.attempt()
        if (result !== BLOCKED) return Promise.resolve(result)
      }
    }
    if (now) return Promise.reject(operation.failure(timedOut()))
    try {
      return this.enqueue(operation, wait)
    } catch (error) {
      // It may have been half done when it was tried.
      return Promise.reject(operation.failure(error))
    }
  }

  /**
   * @param {Operation} operation
   * @param {Wait} wait
   * @returns {Promise<any>}
   */
  enqueue(operation, wait) {
    const { core } = this
    if (core.closed) throw closedError()
    if (core.waiting >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
    const watch = this.watch
    if (watch !== undefined) {
      watch()
      this.watch = undefined
    }
    operation.queued()
    operation.direction = this
    operation.previous = this.tail
    if (this.tail === undefined) this.head = operation
    else this.tail.next = operation
    this.tail = operation
    core.begin()
    const settled = new Promise((resolve, reject) => {
      operation.resolve = resolve
      operation.reject = reject
    })
    if (wait.timeout !== Number.POSITIVE_INFINITY || wait.signal !== undefined) this.arm(operation, wait)
    if (this.presumed) lookSoon(this)
    // Of a plain receive, which hardly ever fails, every promise more would be felt.
    return wait === FOR_EVER && !operation.mayFail ? settled : traced(settled, wait.signal)
  }

  /** @param {Operation} operation @param {Wait} wait */
  arm(operation, wait) {
    try {
      arm(operation, wait)
    } catch (error) {
      // A signal of the user's own making.
      if (operation.direction !== undefined) this.fail(operation, error)
    }
  }

  /**
   * Serves as many as can be served.
   * @param {number} [events]
   * @returns {boolean} whether anybody was
   */
  onReady(events = 0) {
    this.ready = true
    if (events & HANGUP) this.hungUp = true
    let served = false
    for (let operation = this.head; operation !== undefined; operation = this.head) {
      if (operation instanceof Hold && operation.held) return served
      let result
      try {
        result = operation.attempt()
      } catch (error) {
        if (operation.direction === undefined) continue
        this.remove(operation)
        operation.reject(error)
        served = true
        continue
      }
      if (result === BLOCKED) return served || operation.served
      // An attempt that runs code of the user's may find itself called off.
      if (operation.direction === undefined) continue
      if (operation instanceof Hold) disarm(operation)
      else this.remove(operation)
      operation.resolve(result)
      served = true
    }
    return served
  }

  /**
   * Waits for its turn and then keeps everybody behind it waiting, until the function that this settles with is called.
   * @param {Wait} wait
   * @returns {Promise<() => void>}
   */
  async hold(wait) {
    if (wait.signal?.aborted) throw wait.signal.reason
    const hold = new Hold()
    if (wait.timeout === 0 && this.head !== undefined) this.onReady()
    const free = this.head === undefined
    if (!free && wait.timeout === 0) throw timedOut()
    const turn = this.enqueue(hold, wait)
    if (free) {
      hold.attempt()
      disarm(hold)
      hold.resolve(undefined)
    }
    await turn
    return this.freedBy(hold)
  }

  /** The same where nobody stands ahead. @returns {() => void} */
  holdNow() {
    const hold = new Hold()
    this.enqueue(hold, FOR_EVER)
    hold.attempt()
    return this.freedBy(hold)
  }

  /** What lets whoever stands behind `hold` go on. @param {Hold} hold */
  freedBy(hold) {
    return () => {
      // Not after the handle has been closed: that has removed it.
      if (hold.direction === undefined) return
      this.remove(hold)
      this.onReady()
    }
  }

  /** Whether the head of the queue does not depend on readiness. */
  get isHeld() {
    return this.head instanceof Hold
  }

  /**
   * Gives `operation` up. Whoever stood behind it goes on.
   * @param {Operation} operation
   * @param {unknown} error
   */
  fail(operation, error) {
    if (operation instanceof Hold && operation.held) return
    this.remove(operation)
    operation.reject(operation.failure(error))
  }

  /** @param {Operation} operation */
  remove(operation) {
    const { previous, next } = operation
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    operation.previous = undefined
    operation.next = undefined
    operation.direction = undefined
    if (operation.timer !== undefined || operation.signal !== undefined) disarm(operation)
    this.core.end()
  }

  /** The handle is being closed. */
  close() {
    for (let operation = this.head; operation !== undefined; operation = this.head) {
      this.remove(operation)
      operation.reject(operation.failure(closedError()))
    }
  }
}

function unsettled() {}
