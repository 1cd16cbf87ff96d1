/**
 * The caller's side of a stream: what has come and was not asked for yet, never more than was granted.
 */

import { retrace, timedOut } from '../errors.js'
import { arm, disarm } from '../wait/cancel.js'
import { deliver } from './client-core.js'
import { dispose } from './links/link.js'
import { MORE } from './protocol.js'

/** @typedef {import('./client-core.js').ClientCore} ClientCore */
/** @typedef {import('./links/link.js').Envelope} Envelope */
/** @typedef {import('../validate.js').Wait} Wait */

/** How many items the other side may be ahead. */
const WINDOW = 32

const DONE = Object.freeze({ value: undefined, done: true })

/** Somebody who waits for the next item. */
class Waiter {
  /** @param {Reading} reading */
  constructor(reading) {
    this.reading = reading
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** @type {AbortSignal | undefined} */
    this.signal = undefined
    /** @type {(value: any) => void} */
    this.resolve = () => {}
    /** @type {(error: unknown) => void} */
    this.reject = () => {}
    /** @type {Promise<any>} */
    this.item = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** @param {Error} error */
  expire(error) {
    this.reading.core.link.look()
    this.giveUp(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.giveUp(reason)
  }

  /** @param {unknown} error */
  giveUp(error) {
    if (!this.reading.waiters.includes(this)) return
    this.reading.core.cancel(this.reading.id)
    if (this.reading.core.remove(this.reading)) this.reading.fail(error)
  }
}

/** A streaming call, in the table of the client until its answer has come: that is its end. */
export class Reading {
  /** @param {ClientCore} core @param {number} id @param {Wait} wait */
  constructor(core, id, wait) {
    this.core = core
    this.id = id
    this.wait = wait
    /** Items that came before anybody asked for them. @type {any[]} */
    this.items = []
    /** @type {Waiter[]} */
    this.waiters = []
    /** How many more may come. */
    this.granted = WINDOW
    /** How it ended, once the items are taken. @type {{ error: unknown, failed: boolean } | undefined} */
    this.outcome = undefined
  }

  /** One more has come: false if it was not granted. @param {any} params @param {Envelope | undefined} envelope */
  give(params, envelope) {
    if (this.granted === 0) {
      dispose(envelope)
      return false
    }
    this.granted--
    const { item = null } = params
    if (envelope === undefined) {
      this.add(item)
      return true
    }
    deliver(
      { succeed: (value) => this.add(value), fail: (error) => this.breakOff(error) },
      { item, handles: params.handles },
      'item',
      envelope,
    )
    return true
  }

  /** @param {any} item */
  add(item) {
    const waiter = this.waiters.shift()
    if (waiter === undefined) {
      this.items.push(item)
      return
    }
    disarm(waiter)
    this.refresh()
    waiter.resolve({ value: item, done: false })
  }

  /** Grants more once half of it is used up. */
  refresh() {
    const { core, items, granted, id } = this
    const count = WINDOW - granted - items.length
    if (count < WINDOW / 2 || this.outcome !== undefined || core.link.ended !== undefined) return
    this.granted += count
    core.link.postQuietly(core.link.notation.notification(MORE, { id, count }, undefined))
  }

  /** The answer: it has ended. @param {unknown} result */
  succeed(result) {
    // A server that knows nothing of streams answers with everything at once.
    if (Array.isArray(result)) for (const item of result) this.add(item)
    else if (result !== null) this.add(result)
    this.finish({ error: undefined, failed: false })
  }

  /** @param {unknown} error */
  fail(error) {
    this.finish({ error, failed: true })
  }

  /** @param {{ error: unknown, failed: boolean }} outcome */
  finish(outcome) {
    this.outcome = outcome
    for (const waiter of this.waiters.splice(0)) {
      disarm(waiter)
      if (!outcome.failed) waiter.resolve(DONE)
      else waiter.reject(outcome.error)
      // It is told once.
      this.outcome = { error: undefined, failed: false }
    }
  }

  /** Nobody wants more of it. @param {unknown} error */
  breakOff(error) {
    if (!this.core.remove(this)) return
    this.core.cancel(this.id)
    this.fail(error)
  }

  next() {
    if (this.items.length > 0) {
      const value = this.items.shift()
      this.refresh()
      return { value, done: false }
    }
    const { outcome } = this
    if (outcome === undefined) return undefined
    this.outcome = { error: undefined, failed: false }
    if (outcome.failed) throw outcome.error
    return DONE
  }
}

/**
 * @param {ClientCore} core
 * @param {string} method
 * @param {unknown} params
 * @param {Wait} wait
 * @returns {AsyncIterableIterator<any>}
 */
export function read(core, method, params, wait) {
  /** @type {Reading | undefined} */
  let reading
  let finished = false

  return {
    async next() {
      if (finished) return DONE
      try {
        if (wait.signal?.aborted) throw wait.signal.reason
        if (reading === undefined) {
          core.ready()
          const begun = new Reading(core, core.calls.reserve(), wait)
          core.request(begun, method, params, undefined, WINDOW)
          reading = begun
        }
        const there = reading.next()
        if (there !== undefined) {
          if (there.done) finished = true
          return there
        }
        if (wait.timeout === 0) {
          core.link.look()
          const come = reading.next()
          if (come !== undefined) return come
          throw timedOut()
        }
        const waiter = new Waiter(reading)
        reading.waiters.push(waiter)
        if (wait.timeout !== Number.POSITIVE_INFINITY || wait.signal !== undefined) arm(waiter, wait)
        const taken = await waiter.item
        if (taken.done) finished = true
        return taken
      } catch (error) {
        finished = true
        reading?.breakOff(error)
        if (core.closed && reading !== undefined) return DONE
        throw wait.signal?.aborted && error === wait.signal.reason ? error : retrace(error)
      }
    },
    async return() {
      finished = true
      if (reading !== undefined && core.remove(reading)) {
        core.cancel(reading.id)
        reading.finish({ error: undefined, failed: false })
      }
      return DONE
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
