/**
 * What stands behind a queue's handle: who waits for messages, for room and for a notice.
 */
import { Core } from '../handle.js'
import native from '../load.js'
import { READABLE, WRITABLE } from '../reactor.js'
import { Direction } from '../wait/direction.js'
import { Notices } from './notices.js'

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
    if (this.interest !== 0) {
      this.changeInterest(interest)
    } else {
      this.watch(this, (reactor, token) => {
        this.changeInterest = (wanted) => native.posixQueueWatch(this.id, reactor, token, wanted)
        this.changeInterest(interest)
      })
    }
    this.interest = interest
  }

  /** @param {number} events */
  onReady(events) {
    const received = (events & READABLE) !== 0 && this.receiving.onReady(events)
    // The receives may have closed the handle, or whoever was waiting for them.
    const sent = (events & WRITABLE) !== 0 && !this.closed && this.sending.onReady(events)
    return received || sent
  }
}

function unwatched() {}
