/**
 * Whether waiting awake only seems to pay. Where both sides share a processor, the other one answers when this process has been
 * interrupted for it: later than if it had slept, but while it is awake. Interruptions at other times say nothing: a
 * processor has more to do than this.
 */

/**
 * One of so many waits is looked at, for the kernel has to be asked at its beginning and at its end: at first, and where it
 * has been well for long.
 */
const EVERY = 8
const SELDOM = 256
/** Those that paid, of the ones that are looked at, between two judgements; and with so many interruptions among them. */
const SAMPLE = 8
const MANY = 6

export class Interruptions {
  constructor() {
    this.waits = 0
    this.every = EVERY
    /** How many there had been when the wait began, if it is one that is looked at. @type {number | undefined} */
    this.before = undefined
    this.paid = 0
    this.interrupted = 0
  }

  /** Somebody begins to wait. */
  begin() {
    // The last one that was looked at was interrupted: so are the next ones, if that is what pays.
    const closely = this.interrupted > 0 && this.interrupted === this.paid
    this.before = closely || ++this.waits % this.every === 0 ? count() : undefined
  }

  /** It has paid. Whether that comes of interruptions, as far as is known. */
  areWhatPays() {
    const { before } = this
    if (before === undefined) return false
    this.before = undefined
    if (count() !== before) this.interrupted++
    if (++this.paid < SAMPLE) return false
    const many = this.interrupted >= MANY
    this.every = this.interrupted === 0 ? Math.min(SELDOM, 2 * this.every) : EVERY
    this.paid = 0
    this.interrupted = 0
    return many
  }
}

/** Of this process, so far. */
function count() {
  return process.resourceUsage?.().involuntaryContextSwitches ?? 0
}
