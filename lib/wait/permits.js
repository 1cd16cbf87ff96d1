/**
 * Who waits for something that can be taken and given back (a permit, a lock): first come, first served, in front of one
 * thread that stands in the kernel's own queue, however many wait here.
 *
 * The thread really takes: one that only learned would come too late each time others are there. What it has taken goes
 * to whoever stands first by then. If nobody stands here any more its wait is ended, exactly, and what it may have taken
 * all the same goes back: in the addon, for the handle, the worker or the process may be gone by then.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import { timedOut } from '../errors.js'
import { leaveAtExit, startWait, waitHere } from '../reactor.js'
import { BLOCKED, Direction, Operation } from './direction.js'

/** Milliseconds until another thread may be had. */
const RETRY = 5

/** Milliseconds: a thread whose wait was ended takes no time. */
const A_WHILE = 100

/** In place of milliseconds. For the main thread alone, which nobody can ask to end while it blocks. */
const FOR_EVER = 0xffffffff

/**
 * What is waited for. Each thing that can be had independently of others (another semaphore of a set, another range of a
 * file) has a source, and Permits, of its own.
 * @typedef {object} Source
 * @property {(hasWaited: boolean) => any} tryTake takes without waiting: what it gives, or BLOCKED
 * @property {(reactor: number, token: number) => void} beginTake takes on a waiter thread, as `startWait` has it. The
 *   addon gives back what JS does not ask for (`Taken` in core/src/waiter/)
 * @property {(milliseconds: number) => any} [takeHere] takes on this thread, after at most so long or 0xffffffff for ever:
 *   what it gives, or BLOCKED. For the main thread; without it a thread does that too
 * @property {(value: number) => any} [taken] what the thread's number means: as `tryTake` would have given it
 */

/** Somebody who waits. */
export class Take extends Operation {
  /** @param {Source} source */
  constructor(source) {
    super()
    this.source = source
    this.tried = false
  }

  get mayFail() {
    return true
  }

  attempt() {
    this.tried = true
    return this.source.tryTake(this.direction !== undefined)
  }

  /** What the thread has just taken wins over a timeout, too. */
  hurry() {
    const { direction } = this
    if (!(direction instanceof Permits)) return
    direction.onReady()
    if (direction.head === this) direction.look()
  }
}

export class Permits extends Direction {
  /** @param {import('../handle.js').Core} core @param {Source} source */
  constructor(core, source) {
    super(core, leaveAtExit)
    this.source = source
    /** The thread's wait. @type {{ cancel: () => void, claim: (milliseconds: number) => number | undefined } | undefined} */
    this.job = undefined
    /** There was no thread to be had. @type {NodeJS.Timeout | undefined} */
    this.pause = undefined
  }

  /** @param {import('../validate.js').Wait} wait @returns {Promise<any>} */
  take(wait) {
    if (wait.timeout > 0 || !this.leaving || wait.signal?.aborted) return this.submit(new Take(this.source), wait)
    try {
      const value = this.tryTake()
      return value === BLOCKED ? Promise.reject(timedOut()) : Promise.resolve(value)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Whether or not others wait. BLOCKED if there is nothing. */
  tryTake() {
    const { source } = this
    const value = source.tryTake(false)
    if (value !== BLOCKED || !this.leaving) return value
    const recalled = this.recall()
    return recalled === undefined ? source.tryTake(false) : source.taken?.(recalled)
  }

  /** Nobody stands here any more, and the thread has been told so; but it may have taken something by then. */
  get leaving() {
    return this.job !== undefined && this.head === undefined
  }

  /** @param {number} timeout @returns {any} */
  takeSync(timeout) {
    const { source } = this
    const value = this.tryTake()
    if (value !== BLOCKED) return value
    if (timeout === 0) throw timedOut()
    try {
      const recalled = this.recall()
      if (recalled !== undefined) return source.taken?.(recalled)
      if (isMainThread && source.takeHere !== undefined) return takeHere(source.takeHere, timeout)
      leaveAtExit()
      const taken = waitHere(source.beginTake, timeout)
      if (taken === undefined) throw timedOut()
      return source.taken?.(taken)
    } finally {
      if (this.head !== undefined) this.onReady()
    }
  }

  /**
   * This thread is about to block, and what another one takes for it meanwhile could reach nobody: so that one's wait is
   * ended. What it had taken by then, undefined if nothing.
   * @returns {number | undefined}
   */
  recall() {
    const { job } = this
    if (job === undefined) return undefined
    this.job = undefined
    job.cancel()
    try {
      for (;;) {
        const value = job.claim(A_WHILE)
        if (value !== undefined) return value
      }
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ERR_IPC_CANCELLED') throw error
      return undefined
    }
  }

  /** @param {Take} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    const first = this.head === undefined
    const settled = super.enqueue(operation, wait)
    // One that has not even been tried is to be, in the next turn.
    if (!first || !operation.tried || this.head !== operation || this.job !== undefined) return settled
    try {
      this.begin()
    } catch (error) {
      this.fail(operation, error)
    }
    return settled
  }

  /** @param {number} [events] */
  onReady(events) {
    const served = super.onReady(events)
    if (this.head === undefined || this.job !== undefined || this.pause !== undefined) return served
    try {
      this.begin()
    } catch {
      // Whoever has waited for long goes on waiting: for a thread, now.
      this.pause = setTimeout(() => {
        this.pause = undefined
        this.onReady()
      }, RETRY)
      this.pause.unref()
    }
    return served
  }

  begin() {
    const wanted = () => this.head !== undefined
    const started = startWait(this.source.beginTake, (error, value) => this.ended(error, value), wanted)
    if ('cancel' in started) this.job = started
  }

  /** @param {any} error @param {number} value */
  ended(error, value) {
    this.job = undefined
    const { head } = this
    if (head !== undefined && error?.code !== 'ERR_IPC_CANCELLED') {
      this.remove(head)
      if (error === undefined) head.resolve(this.source.taken?.(value))
      else head.reject(error)
    }
    this.onReady()
  }

  /**
   * Whether the thread has something for the head by now, of which it has not been told. If nobody else waits that is
   * exact, for the thread's wait can be ended for it. Else it keeps its place, and what it takes goes to the next one.
   */
  look() {
    const { job } = this
    if (job === undefined) return
    const last = this.head === this.tail
    if (last) job.cancel()
    try {
      let value = job.claim(0)
      while (last && value === undefined) value = job.claim(A_WHILE)
      if (value !== undefined) this.ended(undefined, value)
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ERR_IPC_CANCELLED') {
        this.ended(error, 0)
        return
      }
      this.job = undefined
      super.onReady()
    }
  }

  /** @param {Operation} operation */
  remove(operation) {
    super.remove(operation)
    if (this.head !== undefined) return
    clearTimeout(this.pause)
    this.pause = undefined
    this.job?.cancel()
  }
}

/**
 * @param {(milliseconds: number) => any} take
 * @param {number} timeout
 * @returns {any}
 */
function takeHere(take, timeout) {
  const deadline = performance.now() + timeout
  for (let left = timeout; ; left = deadline - performance.now()) {
    const value = take(left < FOR_EVER ? Math.max(0, Math.ceil(left)) : FOR_EVER)
    if (value !== BLOCKED) return value
    if (left <= 0) throw timedOut()
  }
}
