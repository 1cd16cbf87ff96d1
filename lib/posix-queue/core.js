/**
 * What stands behind a queue's handle: who waits for messages, for room and for a notice.
 */
import { Core } from '../handle.js'
import native from '../load.js'
import { READABLE, WRITABLE } from '../reactor.js'
import { BLOCKED, Direction } from '../wait/direction.js'
import { Notices } from './notices.js'

/** After a receive that had to wait, how many that block do not even try without waiting. */
const VAIN = 8

const NATIVE = { close: native.posixQueueClose, detach: native.posixQueueDetach }

export class QueueCore extends Core {
  /** @param {import('../../native.js').PosixQueueFacts} facts */
  constructor(facts) {
    super(facts.id, facts.fd, NATIVE)
    this.maxMessages = facts.maxMessages
    this.maxMessageSize = facts.maxMessageSize
    /** So many blocking receives to come will have to wait, going by the last ones. */
    this.vain = 0
    /** What the reactor tells of. */
    this.interest = 0
    /** @type {(interest: number) => void} */
    this.changeInterest = unwatched
    this.receiving = new Direction(this, () => this.watchFor(READABLE))
    this.sending = new Direction(this, () => this.watchFor(WRITABLE))
    this.notices = new Notices(this)
    this.directions.push(this.receiving, this.sending, this.notices.direction)
  }

  /**
   * One descriptor can be watched once, and for nothing more than is waited for: each receive here would tell of room, and
   * each send of a message.
   * @param {number} direction
   */
  watchFor(direction) {
    const interest = this.interest | direction
    if (this.changeInterest !== unwatched) {
      this.changeInterest(interest)
    } else {
      this.watch(this, (reactor, token) => {
        native.posixQueueWatch(this.id, reactor, token, interest)
        this.changeInterest = (wanted) => native.posixQueueWatch(this.id, reactor, token, wanted)
      })
    }
    this.interest = interest
  }

  /** A receive has found nothing. @returns {typeof BLOCKED} */
  nothing() {
    this.receiving.exhausted()
    this.vain = VAIN
    return BLOCKED
  }

  /** @param {number} events */
  onReady(events) {
    const received = this.tell(this.receiving, events & READABLE)
    // The receives may have closed the handle, or whoever was waiting for them.
    const sent = !this.closed && this.tell(this.sending, events & WRITABLE)
    return received || sent
  }

  /**
   * @param {Direction} direction
   * @param {number} event that of this direction, or 0
   */
  tell(direction, event) {
    if ((event & this.interest) === 0) return false
    if (direction.head !== undefined) return direction.onReady()
    // Nobody waits any more, and on a queue that others use this would be told for each of their messages.
    direction.ready = true
    direction.watch = () => this.watchFor(event)
    this.interest &= ~event
    this.changeInterest(this.interest)
    return false
  }
}

function unwatched() {}
