/**
 * Taking messages: what a receive that waits does when its turn comes.
 */
import { inNextTurn } from '../reactor.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { NOTHING } from './reader.js'

/** @typedef {import('./core.js').SubscriptionCore} SubscriptionCore */

/** Bytes of the messages that are taken at once: beyond it caches lose. */
const BATCH = 256 * 1024
/** Looks in one turn of the event loop. */
export const LOOKS = 100

export class Take extends Operation {
  /** @param {SubscriptionCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    for (let look = 0; look < LOOKS; look++) {
      const message = this.core.take()
      if (message !== BLOCKED) return message
      // Only of one that stands in the queue is anybody told.
      if (this.direction === undefined || this.core.sleep()) return BLOCKED
    }
    // Something changes all the time, and it is no message.
    inNextTurn(this.core.receiving)
    return BLOCKED
  }
}

export class TakeMany extends Take {
  /** @param {SubscriptionCore} core @param {number} max */
  constructor(core, max) {
    super(core)
    this.max = max
  }

  attempt() {
    const start = this.core.reader.bytesTaken
    const first = super.attempt()
    if (first === BLOCKED) return BLOCKED
    return first === null ? [] : takeMore(this.core, [first], this.max, start + BATCH)
  }
}

/**
 * All that is there by now, up to so many.
 * @param {SubscriptionCore} core
 * @param {unknown[]} messages
 * @param {number} max
 * @param {number} enough of bytes
 */
function takeMore({ member, reader }, messages, max, enough) {
  try {
    while (messages.length < max && reader.bytesTaken < enough) {
      const message = reader.take()
      if (message === NOTHING) break
      messages.push(message)
    }
  } catch (error) {
    // What was taken before is delivered; the next receive says what is wrong.
    member.broke(error)
  }
  return messages
}
