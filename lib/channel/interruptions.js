/**
 * Whether waiting awake only seems to pay. Where both sides share a processor, the other one answers when this process has been
 * interrupted for it: later than if it had slept, but while it is awake.
 */

/** Waits in which it has paid, between two counts. */
const SAMPLE = 64

export class Interruptions {
  constructor() {
    this.paid = 0
    /** @type {number | undefined} */
    this.counted = undefined
  }

  /** It has paid once more. Whether that comes of interruptions, as far as is known. */
  areWhatPays() {
    if (++this.paid < SAMPLE) return false
    this.paid = 0
    const before = this.counted
    this.counted = process.resourceUsage?.().involuntaryContextSwitches ?? 0
    if (before === undefined || this.counted - before < SAMPLE / 4) return false
    this.counted = undefined
    return true
  }
}
