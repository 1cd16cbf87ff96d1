/**
 * Waiting for a message to come to the empty queue, without taking it. See mq_notify(3).
 *
 * All who wait on a handle share one notice of the addon's, which exists for as long as somebody waits: the kernel has one
 * for each queue, and other processes want it too.
 */
import { timedOut } from '../errors.js'
import native from '../load.js'
import { register, unregister } from '../reactor.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'

/** @typedef {import('./core.js').QueueCore} QueueCore */

export class Notices {
  /** @param {QueueCore} core */
  constructor(core) {
    this.core = core
    /** The addon's number of the notice, 0 while nobody waits. */
    this.id = 0
    this.token = 0
    /** How many have come while somebody waited. */
    this.arrivals = 0
    this.direction = new Direction(core, watchedByNotice)
  }

  /** @param {import('../validate.js').Wait} wait @returns {Promise<void>} */
  submit(wait) {
    const { direction } = this
    if (wait.signal?.aborted) return Promise.reject(wait.signal.reason)
    // Whoever waits already may be due, and is not to share what the next one asks for.
    direction.onReady()
    // At once, whatever else happens in this turn: who then finds the queue empty is to be told of what comes next.
    this.ask()
    try {
      return wait.timeout === 0 ? Promise.reject(timedOut()) : direction.enqueue(new Arrival(this), wait)
    } finally {
      this.endIfUnwanted()
    }
  }

  /** Sees to it that the kernel will tell. */
  ask() {
    if (this.id === 0) this.begin(native.posixNoticeAsk(this.core.id))
  }

  /** Looks whether the kernel has told. */
  look() {
    if (this.id === 0) return
    let successor
    try {
      successor = native.posixNoticeLook(this.id)
    } catch (error) {
      this.end()
      throw error
    }
    if (successor === this.id) return
    this.end()
    if (successor === 0) this.arrivals++
    else this.begin(successor)
  }

  /** @param {number} id */
  begin(id) {
    try {
      this.token = register(this, (reactor, token) => native.posixNoticeWatch(id, reactor, token))
      this.id = id
    } catch (error) {
      native.posixNoticeClose(id)
      throw error
    }
  }

  end() {
    const { id } = this
    this.id = 0
    unregister(this.token)
    native.posixNoticeClose(id)
  }

  endIfUnwanted() {
    if (this.id !== 0 && this.direction.head === undefined) this.end()
  }

  onReady() {
    return this.direction.onReady()
  }
}

/** Waits for the next message that comes to the empty queue. */
class Arrival extends Operation {
  /** @param {Notices} notices */
  constructor(notices) {
    super()
    this.notices = notices
    this.before = notices.arrivals
  }

  attempt() {
    const { notices } = this
    notices.look()
    if (notices.arrivals !== this.before) return undefined
    notices.ask()
    return BLOCKED
  }

  get mayFail() {
    return true
  }

  /** @param {unknown} error */
  failure(error) {
    this.notices.endIfUnwanted()
    return error
  }
}

function watchedByNotice() {}
