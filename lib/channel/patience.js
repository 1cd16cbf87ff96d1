/**
 * Looking again in the next turns of the event loop, before the other side is asked to ring: while it keeps sending, that
 * spares it the ringing and this side the waking up. Everything else of the loop gets its turn between two looks.
 *
 * It is done for as long as it pays. Where it does not (the other side is slow, or shares this processor) it is tried now
 * and then, and less and less often.
 */
import { setImmediate } from 'node:timers'
import { Interruptions } from './interruptions.js'
import { hasSeveralProcessors } from './processors.js'

/** Turns, of one or two microseconds each: as long as it takes the other side to wake up and answer. */
const MOST = 32
/** Bytes of a message that are worth a turn more, and of how many turns at most: as long as it takes to copy them. */
const BYTES = 16 * 1024
const MORE = 96
/** Waits between two trials: at first, and at last. */
const SOON = 32
const LATE = 4096

export class Patience {
  /**
   * @param {import('../wait/direction.js').Direction} direction whose waits these are
   * @param {() => number} length of the messages that are waited for, on the average
   */
  constructor(direction, length) {
    this.direction = direction
    this.length = length
    this.turns = hasSeveralProcessors() ? MOST : 0
    this.pause = SOON
    this.skipped = 0
    /** Turns to go, of those that it is looked in now. */
    this.left = 0
    this.scheduled = false
    this.looking = false
    this.interruptions = new Interruptions()
  }

  /** Whether who has found nothing is served by a look in a later turn. If not, the other side is to ring. */
  lasts() {
    if (this.scheduled) return true
    if (this.looking) return this.left > 1
    return this.begin()
  }

  /** Whether it has been paying. */
  get pays() {
    return this.turns === MOST
  }

  get allowance() {
    return this.pays ? MOST + Math.min(MORE, Math.floor(this.length() / BYTES)) : this.turns
  }

  begin() {
    if (this.turns === 0) {
      if (++this.skipped < this.pause || !hasSeveralProcessors()) return false
      this.skipped = 0
      this.turns = MOST
    }
    this.left = this.allowance
    this.interruptions.begin()
    this.schedule()
    return true
  }

  schedule() {
    this.scheduled = true
    setImmediate(look, this)
  }

  giveUp() {
    this.turns = 0
    this.pause = LATE
    // Who waits has been told that there will be a look: in this one he asks to be told.
    this.left = 1
  }

  look() {
    this.scheduled = false
    const { direction } = this
    if (direction.head === undefined) {
      this.left = 0
      return
    }
    this.looking = true
    const paid = direction.onReady()
    this.looking = false
    const last = this.left === 1
    if (paid) {
      this.turns = MOST
      this.pause = SOON
      this.left = this.allowance
      if (this.interruptions.areWhatPays()) this.giveUp()
      else if (direction.head !== undefined) this.interruptions.begin()
    } else if (--this.left === 0) {
      this.turns >>= 1
      if (this.turns === 0) this.pause = Math.min(LATE, 2 * this.pause)
    }
    // Who has found nothing in the last of the turns has asked to be told.
    if (last || direction.head === undefined) this.left = 0
    else this.schedule()
  }
}

/** @param {Patience} patience */
function look(patience) {
  patience.look()
}
