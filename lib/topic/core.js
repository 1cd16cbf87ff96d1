/**
 * What stands behind a topic's handle, and behind a subscription's.
 */
import { timedOut } from '../errors.js'
import { Core, coresOf } from '../handle.js'
import { inNextTurn, prepare } from '../reactor.js'
import { FOR_EVER } from '../validate.js'
import { BLOCKED, Direction } from '../wait/direction.js'
import { MESSAGES } from './layout.js'
import { NOTHING } from './reader.js'

/** @typedef {import('./member.js').Member} Member */
/** @typedef {import('./reader.js').Reader} Reader */
/** @typedef {import('../wait/direction.js').Operation} Operation */
/** @typedef {import('../validate.js').Wait} Wait */

/** How many messages a program may publish, or take, at once, without a turn of the event loop between. */
const CREDITS = 512

/** Whose first operation says for all that they sleep, and looks once more. */
class Line extends Direction {
  /** @param {Operation} operation @param {Wait} wait @param {boolean} [later] whether somebody else sees to that */
  enqueue(operation, wait, later = false) {
    const settled = super.enqueue(operation, wait)
    if (this.head === operation && !later) this.onReady()
    return settled
  }
}

/**
 * Nothing of this may lead back to the core, as what is made within its constructor does: a handle that is forgotten is closed
 * by it.
 * @param {Member} member
 * @param {(() => void) | undefined} parting
 * @returns {import('../handle.js').Native}
 */
function closingOf(member, parting) {
  return {
    close() {
      parting?.()
      member.release()
    },
  }
}

/** @param {Reader} reader */
function leavingOf(reader) {
  return () => reader.leave()
}

/** What both have. */
class MemberCore extends Core {
  /** @param {Member} member @param {number} fd @param {() => void} [parting] before the member is given up */
  constructor(member, fd, parting) {
    super(member.id, fd, closingOf(member, parting))
    member.users++
    this.member = member
    this.credits = CREDITS
  }

  ready() {
    this.check()
    this.member.check()
  }

  /** One operation less that waits. */
  end() {
    super.end()
    if (this.waiting === 0) for (const direction of this.directions) this.member.forget(direction)
  }

  /**
   * @param {Line} direction
   * @param {Operation} operation
   * @param {Wait} wait
   */
  submit(direction, operation, wait) {
    if (wait.signal?.aborted) return Promise.reject(wait.signal.reason)
    if (this.credits <= 0 && wait.timeout !== 0) {
      // A flood is not to starve whatever else there is.
      this.credits = CREDITS
      inNextTurn(direction)
      return direction.enqueue(operation, wait, true)
    }
    this.credits--
    if (direction.head === undefined) {
      const result = operation.attempt()
      if (result !== BLOCKED) return Promise.resolve(result)
    }
    this.credits = CREDITS
    if (wait.timeout === 0) return direction.submit(operation, wait)
    return direction.enqueue(operation, wait)
  }
}

export class TopicCore extends MemberCore {
  /** @param {Member} member @param {string | null} address @param {number} fd that it has come by, or -1 */
  constructor(member, address, fd) {
    super(member, fd)
    this.address = address
    this.publishing = new Line(this, prepare)
    this.subscribing = new Line(this, prepare)
    this.directions.push(this.publishing, this.subscribing)
    /** Plain messages may be published without another look. */
    this.fast = member.codec === 'bytes'
    this.closing.add(() => {
      this.fast = false
    })
  }
}

export class SubscriptionCore extends MemberCore {
  /** @param {Member} member @param {Reader} reader */
  constructor(member, reader) {
    super(member, -1, leavingOf(reader))
    this.reader = reader
    this.receiving = new Line(this, prepare)
    this.directions.push(this.receiving)
    /** How iterations receive. @type {Pick<Direction, 'submit'>} */
    this.lane = { submit: (operation, wait) => this.submit(this.receiving, operation, wait) }
  }

  /** Whether a plain receive may take without another look. */
  mayTakeAtOnce() {
    return this.id !== 0 && this.receiving.head === undefined && this.member.failure === undefined && this.credits-- > 0
  }

  /** The next message; null at the end; BLOCKED if there is none yet. @returns {any} */
  take() {
    const { member, reader } = this
    member.check()
    try {
      const message = reader.take()
      if (message !== NOTHING) return message
      if (!reader.ended) return BLOCKED
      // What was published before is received.
      const last = reader.take()
      return last === NOTHING ? null : last
    } catch (error) {
      throw member.broke(error)
    }
  }

  /** Whether there is something to take, by a closer look. */
  get available() {
    const { member, reader } = this
    try {
      return reader.available || reader.ended
    } catch (error) {
      throw member.broke(error)
    }
  }

  /** Sleeps until something is published. False if it has been. */
  sleep() {
    const { member, receiving } = this
    const standing = member.isStanding(MESSAGES)
    const heard = standing ? 0 : member.announce(MESSAGES)
    if (this.available) return false
    return member.sleep(MESSAGES, heard, receiving)
  }

  /**
   * @param {number} timeout
   * @param {import('../channel/spin.js').Spin} spin
   * @returns {any}
   */
  blockUntil(timeout, spin) {
    const deadline = performance.now() + timeout
    for (;;) {
      let result = this.take()
      if (result !== BLOCKED) return result
      const seen = spin.until(() => {
        result = this.take()
        return result !== BLOCKED
      })
      if (seen) return result
      const left = deadline - performance.now()
      if (left <= 0) throw timedOut()
      const heard = this.member.announce(MESSAGES)
      if (this.available) continue
      this.member.block(MESSAGES, heard, left < SLICE ? Math.ceil(left) : SLICE)
    }
  }
}

/** Milliseconds that a blocking call sleeps at once. */
const SLICE = 100

export const topicOf = coresOf(TopicCore, 'a Topic')
export const subscriptionOf = coresOf(SubscriptionCore, 'a Subscription')
export { CREDITS, FOR_EVER }
