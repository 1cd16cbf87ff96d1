/**
 * Messages with handles that the other side has not taken yet. Their descriptors wait in its process, so there is a bound:
 * who has seen more of them than that without their messages takes the sender for a hostile one.
 */
import { MOST_SUPPLIES } from './layout.js'

export class Travelling {
  /** Where each of them ends. @type {number[]} */
  #positions

  /** @param {import('./outgoing.js').Outgoing} outgoing */
  constructor(outgoing) {
    this.outgoing = outgoing
    // What somebody else has sent before this process had this end may have handles, all of it.
    this.#positions = outgoing.used === 0 ? [] : new Array(MOST_SUPPLIES - 1).fill(outgoing.tail)
  }

  /** Whether there may be one more. If not, the other side rings when there may be. */
  get mayGo() {
    const { outgoing } = this
    const positions = this.#positions
    for (;;) {
      while (positions.length > 0 && outgoing.hasTaken(positions[0])) positions.shift()
      if (positions.length < MOST_SUPPLIES - 1) return true
      if (outgoing.sleepUntilTaken(positions[0])) return false
    }
  }

  /** One more has gone: up to here. @param {number} position */
  gone(position) {
    this.#positions.push(position)
  }
}
