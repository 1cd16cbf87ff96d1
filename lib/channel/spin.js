/**
 * Looking for a moment before going to sleep: waking up costs more than many looks, if the other side runs on another
 * processor. While it shares this one, each look is a loss; so it is done only for as long as it has been paying.
 */
import { availableParallelism } from 'node:os'

/** Looks; each takes a nanosecond or two. */
const TRIAL = 4_000
const MOST = 40_000
/** Waits between two trials, while it does not pay. */
const PAUSE = 64

export class Spin {
  constructor() {
    this.looks = availableParallelism() > 1 ? TRIAL : 0
    this.pause = 0
  }

  /** @param {() => boolean} done @returns {boolean} whether it was done in time */
  until(done) {
    if (this.looks === 0 && !this.again()) return false
    for (let i = 0; i < this.looks; i++) {
      if (done()) {
        this.looks = Math.min(MOST, this.looks * 2)
        return true
      }
    }
    this.looks = 0
    this.pause = PAUSE
    return false
  }

  again() {
    if (this.pause === 0 || --this.pause > 0) return false
    this.looks = TRIAL
    return true
  }
}
