/**
 * The state of a queue's handle: one direction for sends, and one for each selector that somebody waits for, since
 * receives of different kinds do not hold each other up.
 */
import { Core, coresOf } from '../handle.js'
import native from '../load.js'
import { Looks } from './looks.js'
import { Receiving } from './receiving.js'
import { Sending } from './sending.js'

/** @typedef {import('../../native.js').SysvQueueFacts} SysvQueueFacts */
/** @typedef {import('./select.js').Selector} Selector */

const NATIVE = { close: native.sysvQueueClose }

export class QueueCore extends Core {
  /** @param {SysvQueueFacts} facts */
  constructor(facts) {
    super(facts.id, -1, NATIVE)
    this.key = facts.key
    /** The kernel's number of the queue. */
    this.number = facts.number
    this.sending = new Sending(this)
    this.directions.push(this.sending)
    this.receivingLooks = new Looks()
    /** By selector, those that somebody waits in. @type {Map<number | string, Receiving>} */
    this.receiving = new Map()
  }

  /** @param {Selector} selector */
  receivingOf(selector) {
    return this.receiving.get(selector.name) ?? new Receiving(this, selector)
  }

  leave() {
    super.leave()
    for (const direction of [...this.receiving.values()]) direction.close()
  }
}

export const queueOf = coresOf(QueueCore, 'a SysvMessageQueue')
