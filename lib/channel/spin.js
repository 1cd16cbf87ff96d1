/**
 * Looking for a moment before going to sleep: waking up costs more than many looks, if the other side runs on another
 * processor. While it shares this one, each look is a loss; so it is done only for as long as it has been paying, and where
 * it has not it is tried less and less often.
 */
import { Interruptions } from './interruptions.js'
import { hasSeveralProcessors } from './processors.js'

/** Milliseconds: as long as it takes the other side to wake up and answer. */
const PATIENCE = 0.06
/** Looks between two looks at the clock, which takes longer than several of them. */
const LOOKS = 64
/** Waits in vain, one after the other, that what has paid for long survives: the other side may have been interrupted. */
const TRUST = 8
/** Waits between two trials, while it does not pay: at first, and at last. */
const SOON = 64
const LATE = 4_096

export class Spin {
  constructor() {
    /** So many waits in vain until it is given up. */
    this.trust = hasSeveralProcessors() ? 1 : 0
    this.pause = SOON
    this.skipped = 0
    this.interruptions = new Interruptions()
  }

  /** @param {() => boolean} done @returns {boolean} whether it was done in time */
  until(done) {
    if (this.trust === 0 && !this.again()) return false
    let end = Number.POSITIVE_INFINITY
    for (let i = 1; ; i++) {
      if (done()) {
        if (this.trust < TRUST) this.trust++
        this.pause = SOON
        if (i > 1 && this.interruptions.areWhatPays()) this.giveUp(LATE)
        return true
      }
      if (i === 1) this.interruptions.begin()
      if (i % LOOKS !== 0) continue
      const now = performance.now()
      if (now >= end) break
      if (i === LOOKS) end = now + PATIENCE
    }
    if (--this.trust === 0) this.giveUp(Math.min(LATE, 2 * this.pause))
    return false
  }

  /** @param {number} pause */
  giveUp(pause) {
    this.trust = 0
    this.pause = pause
  }

  again() {
    if (++this.skipped < this.pause || !hasSeveralProcessors()) return false
    this.skipped = 0
    this.trust = 1
    return true
  }
}
