/**
 * Receiving: a message is taken here, on the JS thread and without waiting. A thread only learns that there is one; it is
 * there while somebody waits, one for each queue and selector in the whole process.
 */
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers'
import native from '../load.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { arrivedText, arrivedType, enlarge, frameFor } from './frame.js'
import { CALLED_OFF, forget, startWaiting, watchThreads } from './told.js'

/** @typedef {import('./core.js').QueueCore} QueueCore */
/** @typedef {import('./select.js').Selector} Selector */

/** In place of a length: the frame is too small. */
const TOO_LONG = -2

/** So many messages in a row may be taken by others before this process lets them go first. */
const PATIENCE = 8
/** Milliseconds. */
const LONGEST_PAUSE = 8
/** Milliseconds until another thread may be had. */
const RETRY = 5

/** What a call has brought: a message, or BLOCKED. @param {number} length @param {Selector} selector */
export function messageOf(length, { truncate }) {
  if (length < 0) return BLOCKED
  const type = arrivedType()
  if (length <= truncate) return { data: arrivedText(length), type }
  return { data: arrivedText(truncate), type, fullLength: length }
}

/**
 * Makes a call that receives, with a larger frame if need be.
 * @param {Selector} selector
 * @param {(frame: Uint8Array) => number} call
 */
export function receive(selector, call) {
  for (;;) {
    const length = call(frameFor(selector.type))
    if (length !== TOO_LONG) return messageOf(length, selector)
    enlarge()
  }
}

/** Takes a message, if there is one. @param {QueueCore} core @param {Selector} selector */
export function take({ id }, selector) {
  const length = native.sysvQueueReceive(id, frameFor(selector.type), Number(selector.except))
  if (length !== TOO_LONG) return messageOf(length, selector)
  return receive(selector, (frame) => native.sysvQueueReceive(id, frame, Number(selector.except)))
}

export class Receive extends Operation {
  /** @param {QueueCore} core @param {Selector} selector */
  constructor(core, selector) {
    super()
    this.core = core
    this.selector = selector
    this.tried = false
  }

  get mayFail() {
    return true
  }

  attempt() {
    this.tried = true
    try {
      return take(this.core, this.selector)
    } catch (error) {
      // It was removed while this waited: the thread will be told so as those are who wait.
      if (this.direction !== undefined && /** @type {any} */ (error).code === 'EINVAL') return BLOCKED
      throw error
    }
  }
}

export class Receiving extends Direction {
  /** @param {QueueCore} core @param {Selector} selector */
  constructor(core, selector) {
    super(core, () => {
      watchThreads()
      core.receiving.set(selector.name, this)
    })
    this.selector = selector
    /** What the thread will tell under; 0 while there is none. */
    this.token = 0
    /** Whether those who wait have had a thread already. */
    this.begun = false
    /** How often in a row there was nothing left of what the thread had learned of. */
    this.wasted = 0
    /** @type {NodeJS.Timeout | undefined} */
    this.pause = undefined
    /** It will be looked in the next turn. @type {NodeJS.Immediate | undefined} */
    this.look = undefined
  }

  /** @param {Receive} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    const first = this.head === undefined
    const settled = super.enqueue(operation, wait)
    // One that has not even been tried is to be, in the next turn.
    if (first && operation.tried && this.head === operation) this.begin()
    return settled
  }

  /** @param {number} [events] */
  onReady(events) {
    // What the thread may have taken this moment comes before what is taken here.
    this.forget()
    const served = super.onReady(events)
    if (this.head !== undefined && this.pause === undefined && this.look === undefined) this.begin()
    return served
  }

  begin() {
    const turns = /** @type {QueueCore} */ (this.core).receivingLooks.turns()
    if (turns === 0) this.learnAfter(0)
    else this.lookIn(turns, turns)
  }

  /** @param {number} left @param {number} turns */
  lookIn(left, turns) {
    this.look = setImmediate(() => {
      this.look = undefined
      const { receivingLooks } = /** @type {QueueCore} */ (this.core)
      if (super.onReady()) {
        receivingLooks.learn(turns, true)
        if (this.head !== undefined) this.begin()
      } else if (left > 1) {
        this.lookIn(left - 1, turns)
      } else {
        receivingLooks.learn(turns, false)
        this.learnAfter(0)
      }
    })
  }

  learn() {
    const { core, selector } = this
    this.token = startWaiting(
      (token, waits) => native.sysvQueueLearn(core.id, token, selector.type, selector.except, waits),
      (failure) => this.learned(failure),
    )
  }

  /** @param {number} pause */
  learnAfter(pause) {
    if (pause === 0) {
      try {
        this.learn()
        this.begun = true
        return
      } catch (error) {
        if (!this.begun) {
          this.failAll(error)
          return
        }
        // They have waited for long, so they go on waiting: for a thread, now.
        pause = RETRY
      }
    }
    this.pause = setTimeout(() => {
      this.pause = undefined
      this.onReady()
    }, pause)
    // Whether the loop goes on is for the handle to say.
    this.pause.unref()
  }

  forget() {
    if (this.token !== 0) forget(this.token)
    this.token = 0
  }

  /** @param {unknown} failure */
  learned(failure) {
    this.token = 0
    if (failure !== undefined && failure !== CALLED_OFF) {
      this.failAll(failure)
      return
    }
    this.wasted = super.onReady() ? 0 : this.wasted + 1
    if (this.head === undefined) return
    const beyond = this.wasted - PATIENCE
    this.learnAfter(beyond < 0 ? 0 : Math.min(LONGEST_PAUSE, 2 ** beyond))
  }

  /** @param {unknown} error */
  failAll(error) {
    for (let operation = this.head; operation !== undefined; operation = this.head) {
      this.fail(operation, copyOf(error))
    }
  }

  /** @param {Operation} operation */
  remove(operation) {
    super.remove(operation)
    if (this.head !== undefined) return
    this.forget()
    this.begun = false
    clearTimeout(this.pause)
    this.pause = undefined
    clearImmediate(this.look)
    this.look = undefined
    const { receiving } = /** @type {QueueCore} */ (this.core)
    if (receiving.get(this.selector.name) === this) receiving.delete(this.selector.name)
  }
}

/** Each of those who wait gets an error of its own. @param {any} error */
function copyOf(error) {
  return Object.assign(new Error(error.message), error)
}
