/**
 * Who waits for locks of one file: ranges that conflict first come, first served, and none held up by a disjoint one.
 *
 * A waiter with nobody in its way has a thread that stands in the kernel's queue. Every other one has a place here, behind
 * the nearest of those that are in its way, and is looked at again when that one has gone. So however many wait for the same
 * bytes, they need one thread.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { closedError, retrace, timedOut, tooManyPending } from '../errors.js'
import native from '../load.js'
import { guardOf } from '../lock/guard.js'
import { startWait } from '../reactor.js'
import { FOR_EVER } from '../validate.js'
import { arm, disarm } from '../wait/cancel.js'
import { conflict, needs } from './range.js'

/** @typedef {import('./core.js').FileCore} FileCore */
/** @typedef {import('./range.js').Range} Range */
/** @typedef {import('../lock/guard.js').Guard} Guard */
/** @typedef {import('../validate.js').Wait} Wait */

// By names of their own: a look into the addon, which has many, would be felt in each call.
const { fileLockRelease, fileLockTry } = native

/** Milliseconds until another thread or descriptor may be had. */
const RETRY = 5

class Waiter {
  /** @type {Waiter | undefined} */
  previous = undefined
  /** @type {Waiter | undefined} */
  next = undefined
  /** Those that are to look again when this one has gone. @type {Waiter[] | undefined} */
  followers = undefined
  /** What its thread is known by. @type {{ reactor: number, token: number } | undefined} */
  place = undefined
  settled = false
  /** @type {NodeJS.Timeout | undefined} */
  timer = undefined
  /** @type {AbortSignal | undefined} */
  signal = undefined

  /** @type {(guard: Guard) => void} */
  resolve = unsettled
  /** @type {(error: unknown) => void} */
  reject = unsettled

  /** @param {Queue} queue @param {Range} range */
  constructor(queue, range) {
    this.queue = queue
    this.range = range
  }

  /** @param {Error} error */
  expire(error) {
    this.queue.expire(this, error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.queue.fail(this, reason)
  }
}

/** Somebody holds something of theirs, so they stay: a program may take a lock for good and forget it. @type {Set<FileCore>} */
const kept = new Set()

/** @param {FileCore} core @param {number} held the addon's number of it */
export function holding(core, held) {
  if (core.held++ === 0) kept.add(core)
  return guardOf(() => {
    if (--core.held === 0) kept.delete(core)
    fileLockRelease(held)
  })
}

/** The addon's number of what is held from then on, 0 if somebody else holds what would conflict. @param {FileCore} core @param {Range} range */
export function tryNow(core, { shared, start, length }) {
  return fileLockTry(core.id, shared, start, length)
}

export class Queue {
  /** @type {Waiter | undefined} */
  head = undefined
  /** @type {Waiter | undefined} */
  tail = undefined
  /** It is their turn, and there was no thread to be had. @type {Waiter[]} */
  starved = []
  /** @type {NodeJS.Timeout | undefined} */
  pause = undefined

  /** @param {FileCore} core */
  constructor(core) {
    this.core = core
  }

  /** @param {Range} range @param {Wait} wait @returns {Promise<Guard>} */
  lock(range, wait) {
    const { core } = this
    const { signal } = wait
    if (signal?.aborted) return Promise.reject(signal.reason)
    const held = blockerOf(range, this.tail, conflict) === undefined ? tryNow(core, range) : 0
    if (held !== 0) return Promise.resolve(holding(core, held))
    if (wait.timeout === 0) throw timedOut()
    if (core.waiting >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
    const waiter = new Waiter(this, range)
    const settled = new Promise((resolve, reject) => {
      waiter.resolve = resolve
      waiter.reject = reject
    })
    const blocker = blockerOf(range, this.tail)
    if (blocker === undefined) this.stand(waiter)
    else follow(blocker, waiter)
    this.append(waiter)
    if (wait === FOR_EVER) return settled
    this.arm(waiter, wait)
    return traced(settled, signal)
  }

  /** Has a thread of its own wait. @param {Waiter} waiter */
  stand(waiter) {
    const { shared, start, length } = waiter.range
    startWait(
      (reactor, token) => {
        native.fileLockWait(reactor, token, this.core.id, shared, start, length)
        waiter.place = { reactor, token }
      },
      (error, held) => {
        // Who has been settled otherwise has withdrawn.
        if (!waiter.settled) this.told(waiter, error, held)
      },
    )
  }

  /** @param {Waiter} waiter @param {unknown} error @param {number} held */
  told(waiter, error, held) {
    waiter.place = undefined
    if (error === undefined) this.grant(waiter, held)
    else this.fail(waiter, error)
  }

  /** @param {Waiter} waiter @param {number} held */
  grant(waiter, held) {
    this.remove(waiter)
    waiter.resolve(holding(this.core, held))
    this.advance(waiter.followers)
  }

  /** @param {Waiter} waiter @param {unknown} error */
  fail(waiter, error) {
    const held = withdraw(waiter)
    if (held !== 0) fileLockRelease(held)
    this.remove(waiter)
    waiter.reject(error)
    this.advance(waiter.followers)
  }

  /** What can be done at once wins over a timeout, in this very turn: whoever stands behind may be due too. @param {Waiter} waiter @param {Error} error */
  expire(waiter, error) {
    const held = withdraw(waiter) || this.lastTry(waiter)
    if (held === 0) this.fail(waiter, error)
    else this.grant(waiter, held)
  }

  /** @param {Waiter} waiter */
  lastTry(waiter) {
    if (blockerOf(waiter.range, waiter.previous, conflict) !== undefined) return 0
    try {
      return tryNow(this.core, waiter.range)
    } catch {
      // No descriptor, say: the timeout is what it comes to.
      return 0
    }
  }

  /** Those who have waited for somebody that has gone. @param {Waiter[] | undefined} waiters */
  advance(waiters) {
    // Grows while it is gone through: each that is served lets others go on.
    const due = [...(waiters ?? [])]
    for (const waiter of due) {
      if (waiter.settled) continue
      const blocker = blockerOf(waiter.range, waiter.previous)
      if (blocker !== undefined) {
        follow(blocker, waiter)
        continue
      }
      try {
        const held = tryNow(this.core, waiter.range)
        if (held === 0) {
          this.stand(waiter)
          continue
        }
        this.remove(waiter)
        waiter.resolve(holding(this.core, held))
      } catch (error) {
        if (isScarcity(error)) {
          this.starve(waiter)
          continue
        }
        this.remove(waiter)
        waiter.reject(error)
      }
      if (waiter.followers !== undefined) due.push(...waiter.followers)
    }
  }

  /** It has waited for long, so it goes on waiting: for a thread, now. @param {Waiter} waiter */
  starve(waiter) {
    this.starved.push(waiter)
    if (this.pause !== undefined) return
    this.pause = setTimeout(() => {
      this.pause = undefined
      this.advance(this.starved.splice(0))
    }, RETRY)
    this.pause.unref()
  }

  /** @param {Waiter} waiter */
  append(waiter) {
    waiter.previous = this.tail
    if (this.tail === undefined) this.head = waiter
    else this.tail.next = waiter
    this.tail = waiter
    this.core.begin()
  }

  /** @param {Waiter} waiter @param {Wait} wait */
  arm(waiter, wait) {
    try {
      arm(waiter, wait)
    } catch (error) {
      // A signal of the user's own making.
      if (!waiter.settled) this.fail(waiter, error)
    }
  }

  /** @param {Waiter} waiter */
  remove(waiter) {
    const { previous, next } = waiter
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    waiter.settled = true
    disarm(waiter)
    this.core.end()
  }

  /** The handle is being closed. */
  close() {
    clearTimeout(this.pause)
    this.starved = []
    for (let waiter = this.head; waiter !== undefined; waiter = this.head) {
      waiter.followers = undefined
      this.fail(waiter, closedError())
    }
  }
}

/**
 * The nearest waiter, from `last` on backwards, that a range has to wait for.
 * @param {Range} range
 * @param {Waiter | undefined} last
 */
function blockerOf(range, last, isInTheWay = conflictOrNeed) {
  let waiter = last
  while (waiter !== undefined && !isInTheWay(range, waiter.range)) waiter = waiter.previous
  return waiter
}

/** @param {Range} range @param {Range} other */
function conflictOrNeed(range, other) {
  return conflict(range, other) || needs(range, other)
}

/** @param {Waiter} blocker @param {Waiter} waiter */
function follow(blocker, waiter) {
  if (blocker.followers === undefined) blocker.followers = [waiter]
  else blocker.followers.push(waiter)
}

/** Its thread waits no more: 0, unless it was granted the lock this moment. @param {Waiter} waiter */
function withdraw(waiter) {
  const { place } = waiter
  if (place === undefined) return 0
  waiter.place = undefined
  return native.fileLockWithdraw(place.reactor, place.token)
}

/** @param {any} error */
function isScarcity({ code }) {
  return ['ERR_IPC_LIMIT', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'].includes(code)
}

/**
 * Errors are made in callbacks; here they get the stack of whoever awaits them. A signal's reason is the user's own.
 * @param {Promise<Guard>} promise
 * @param {AbortSignal | undefined} signal
 */
async function traced(promise, signal) {
  try {
    return await promise
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? error : retrace(error)
  }
}

function unsettled() {}
