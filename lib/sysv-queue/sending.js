/**
 * Sending: at once if there is room. A send that has to wait is made by a thread, one after the other, and what comes of
 * it is exact: called off, it was not sent; sent, it was not called off.
 */
import { Buffer } from 'node:buffer'
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { closedError } from '../errors.js'
import native from '../load.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { frameWith, ownFrameWith } from './frame.js'
import { refusal, refuseForEver } from './limits.js'
import { Looks } from './looks.js'
import { CALLED_OFF, cancel, startWaiting, watchThreads } from './told.js'

/** @typedef {import('./core.js').QueueCore} QueueCore */

/** Milliseconds until another thread may be had. */
const RETRY = 5

/** Whether it could be sent without waiting. @param {QueueCore} core @param {number} type @param {Uint8Array} bytes */
export function put(core, type, bytes) {
  let status
  try {
    status = native.sysvQueueSend(core.id, frameWith(type, bytes), bytes.length)
  } catch (error) {
    throw refusal(core, bytes.length, error)
  }
  if (status === 0) return true
  refuseForEver(core, bytes.length)
  return false
}

export class Send extends Operation {
  /** @param {QueueCore} core @param {number} type @param {Uint8Array} bytes */
  constructor(core, type, bytes) {
    super()
    this.core = core
    this.type = type
    this.bytes = bytes
    this.tried = false
    /** Nobody waited when it came. */
    this.first = false
    /** What the thread that sends it will tell under; 0 while there is none. */
    this.token = 0
    /** Why it was called off. @type {{ error: unknown } | undefined} */
    this.calledOff = undefined
  }

  get mayFail() {
    return true
  }

  attempt() {
    if (this.token !== 0) return BLOCKED
    this.tried = true
    try {
      return put(this.core, this.type, this.bytes) ? undefined : BLOCKED
    } catch (error) {
      // Removed while it waited: a thread will be told so as those are who wait.
      if (this.direction !== undefined && /** @type {any} */ (error).code === 'EINVAL') return BLOCKED
      throw error
    }
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    this.bytes = Buffer.from(this.bytes)
  }

  /** @param {Error} error */
  expire(error) {
    if (this.token === 0) super.expire(error)
    else this.callOff(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.token === 0) super.abort(reason)
    else this.callOff(reason)
  }

  /** @param {unknown} error */
  callOff(error) {
    if (this.calledOff !== undefined) return
    this.calledOff = { error }
    cancel(this.token)
  }
}

export class Sending extends Direction {
  /** @param {QueueCore} core */
  constructor(core) {
    super(core, watchThreads)
    /** @type {NodeJS.Timeout | undefined} */
    this.pause = undefined
    this.looks = new Looks()
    /** It will be looked in the next turn. @type {NodeJS.Immediate | undefined} */
    this.look = undefined
  }

  /** @param {Send} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    operation.first = this.head === undefined
    const settled = super.enqueue(operation, wait)
    // One that has not even been tried is to be, in the next turn.
    if (operation.first && operation.tried && this.head === operation) this.lookOrBegin(operation)
    return settled
  }

  /** @param {number} [events] */
  onReady(events) {
    const served = super.onReady(events)
    const operation = /** @type {Send | undefined} */ (this.head)
    if (operation === undefined || operation.token !== 0) return served
    if (this.pause === undefined && this.look === undefined) this.lookOrBegin(operation)
    return served
  }

  /** @param {Send} operation */
  lookOrBegin(operation) {
    const turns = this.looks.turns()
    if (turns === 0) this.begin(operation)
    else this.lookIn(turns, turns)
  }

  /** @param {number} left @param {number} turns */
  lookIn(left, turns) {
    this.look = setImmediate(() => {
      this.look = undefined
      const paid = super.onReady()
      const operation = /** @type {Send | undefined} */ (this.head)
      if (paid || left === 1) this.looks.learn(turns, paid)
      if (operation === undefined) return
      if (paid) this.lookOrBegin(operation)
      else if (left > 1) this.lookIn(left - 1, turns)
      else this.begin(operation)
    })
  }

  /** @param {Operation} operation */
  remove(operation) {
    super.remove(operation)
    if (this.head !== undefined) return
    clearImmediate(this.look)
    this.look = undefined
  }

  /** Goes on with what waits, as far as that can be. */
  retry() {
    clearTimeout(this.pause)
    this.pause = undefined
    this.onReady()
  }

  /** @param {Send} operation */
  begin(operation) {
    const { id } = this.core
    const frame = ownFrameWith(operation.type, operation.bytes)
    try {
      operation.token = startWaiting(
        (token, waits) => native.sysvQueueSendWaiting(id, token, frame, waits),
        (failure) => this.sent(operation, failure),
      )
    } catch (error) {
      if (operation.first) {
        this.fail(operation, error)
        return
      }
      // It has waited for long, so it goes on waiting: for a thread, now.
      this.pause = setTimeout(() => this.retry(), RETRY)
      this.pause.unref()
    }
  }

  /** @param {Send} operation @param {unknown} failure */
  sent(operation, failure) {
    operation.token = 0
    this.remove(operation)
    if (failure === undefined) operation.resolve(undefined)
    // Whatever else it has met with since.
    else if (operation.calledOff !== undefined) operation.reject(operation.calledOff.error)
    else operation.reject(failure === CALLED_OFF ? closedError() : failure)
    this.onReady()
  }

  /** The one that a thread is sending settles when that is told what came of it. */
  close() {
    const sending = /** @type {Send | undefined} */ (this.head)
    if (sending === undefined || sending.token === 0) {
      super.close()
      return
    }
    for (let operation = sending.next; operation !== undefined; operation = sending.next) {
      this.remove(operation)
      operation.reject(closedError())
    }
    sending.callOff(closedError())
  }
}
