/**
 * Looking again in the next turns of the event loop, before a thread is asked to wait: where the other side is quick that
 * spares two wake-ups. It is done where it has been paying, and tried now and then where it has not.
 */
const MOST = 4
const PROBE = 64

export class Looks {
  #turns = 0
  #skipped = 0

  /** How many turns to look in. */
  turns() {
    if (this.#turns > 0) return this.#turns
    this.#skipped = (this.#skipped + 1) % PROBE
    return this.#skipped === 0 ? 1 : 0
  }

  /** @param {number} turns that it was looked in @param {boolean} paid */
  learn(turns, paid) {
    this.#turns = paid ? Math.min(MOST, 2 * turns) : turns >> 1
  }
}
