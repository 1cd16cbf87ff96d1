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
    // One descriptor, which can be watched once: for both directions from the first wait of either.
    let watched = false
    const watch = () => {
      if (watched) return
      this.watch(this, (reactor, token) => native.posixQueueWatch(this.id, reactor, token))
      watched = true
    }
    this.receiving = new Direction(this, watch)
    this.sending = new Direction(this, watch)
    this.notices = new Notices(this)
    this.directions.push(this.receiving, this.sending, this.notices.direction)
  }

  /** @param {number} events */
  onReady(events) {
    const received = (events & READABLE) !== 0 && this.receiving.onReady(events)
    // The receives may have closed the handle, or whoever was waiting for them.
    const sent = (events & WRITABLE) !== 0 && !this.closed && this.sending.onReady(events)
    return received || sent
  }
}
