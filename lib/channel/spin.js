/**
 * Looking for a moment before going to sleep: waking up costs more than many looks, if the other side runs on another
 * processor. While it shares this one, each look is a loss; so it is done only for as long as it has been paying, and where
 * it has not it is tried less and less often.
 */
import { Interruptions } from './interruptions.js'
import { hasSeveralProcessors } from './processors.js'

/** Looks; each takes some tens of nanoseconds. A trial is as long as it takes the other side to wake up and answer. */
const TRIAL = 2_500
const MOST = 4_000
/** Waits between two trials, while it does not pay: at first, and at last. */
const SOON = 64
const LATE = 4_096

export class Spin {
  constructor() {
    this.looks = hasSeveralProcessors() ? TRIAL : 0
    this.pause = SOON
    this.skipped = 0
    this.interruptions = new Interruptions()
  }

  /** @param {() => boolean} done @returns {boolean} whether it was done in time */
  until(done) {
    if (this.looks === 0 && !this.again()) return false
    for (let i = 0; i < this.looks; i++) {
      if (done()) {
        this.looks = Math.min(MOST, this.looks * 2)
        this.pause = SOON
        if (i > 0 && this.interruptions.areWhatPays()) this.giveUp(LATE)
        return true
      }
    }
    this.giveUp(Math.min(LATE, 2 * this.pause))
    return false
  }

  /** @param {number} pause */
  giveUp(pause) {
    this.looks = 0
    this.pause = pause
  }

  again() {
    if (++this.skipped < this.pause || !hasSeveralProcessors()) return false
    this.skipped = 0
    this.looks = TRIAL
    return true
  }
}
