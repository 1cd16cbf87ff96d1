/**
 * Looking for a moment before going to sleep: waking up costs more than many looks, if the other side runs on another
 * processor. While it shares this one, each look is a loss; so it is done only for as long as it has been paying, and where
 * it has not it is tried less and less often.
 */
import { hasSeveralProcessors } from './processors.js'

/** Looks; each takes a nanosecond or two. */
const TRIAL = 4_000
const MOST = 40_000
/** Waits between two trials, while it does not pay: at first, and at last. */
const SOON = 64
const LATE = 4_096

export class Spin {
  constructor() {
    this.looks = hasSeveralProcessors() ? TRIAL : 0
    this.pause = SOON
    this.skipped = 0
  }

  /** @param {() => boolean} done @returns {boolean} whether it was done in time */
  until(done) {
    if (this.looks === 0 && !this.again()) return false
    for (let i = 0; i < this.looks; i++) {
      if (done()) {
        this.looks = Math.min(MOST, this.looks * 2)
        this.pause = SOON
        return true
      }
    }
    this.looks = 0
    this.pause = Math.min(LATE, 2 * this.pause)
    return false
  }

  again() {
    if (++this.skipped < this.pause || !hasSeveralProcessors()) return false
    this.skipped = 0
    this.looks = TRIAL
    return true
  }
}
