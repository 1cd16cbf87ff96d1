/**
 * Reading that never ends: an operation that stays at the head of its queue, and hands on what comes in the moment in which
 * it is told of. Nothing is ever held between the kernel and whoever it is for, so a blocking call may read in between.
 */
import { inNextTurn } from '../../reactor.js'
import { FOR_EVER } from '../../validate.js'
import { BLOCKED, Operation } from '../../wait/direction.js'

/** So many frames are handed on without a turn of the event loop between. */
const BURST = 256

/** @typedef {import('./link.js').Link & { next(): any, handOn(message: any): void }} Source */

export class Listening extends Operation {
  /** @param {Source} link */
  constructor(link) {
    super()
    this.link = link
    /** Whether anything was handed on, for whoever guesses what is ready next. */
    this.served = false
    /** Whoever is called from here may look again: frames are handed on one at a time. */
    this.busy = false
    /** Whether more may be there than was handed on. */
    this.more = false
  }

  get mayFail() {
    return true
  }

  attempt() {
    if (this.busy) return BLOCKED
    this.busy = true
    try {
      return this.handOnAll()
    } finally {
      this.busy = false
    }
  }

  handOnAll() {
    const { link } = this
    this.served = false
    this.more = false
    for (let count = 0; count < BURST; count++) {
      if (link.pauses > 0) return BLOCKED
      const message = link.next()
      if (message === BLOCKED) return BLOCKED
      if (message === null) return link.lingers() ? BLOCKED : null
      this.served = true
      link.handOn(message)
      // By whoever was called.
      const { direction } = this
      if (direction === undefined || link.ended !== undefined) return BLOCKED
    }
    this.more = true
    if (this.direction !== undefined) inNextTurn(this.direction)
    return BLOCKED
  }
}

/**
 * @param {Source} link
 * @param {import('../../wait/direction.js').Direction} direction
 */
export function listen(link, direction) {
  const listening = new Listening(link)
  link.listening = listening
  direction.enqueue(listening, FOR_EVER).then(
    () => link.end(null),
    (error) => link.end(error),
  )
  inNextTurn(direction)
}
