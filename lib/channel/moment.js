/**
 * Looking for a moment, in the middle of a long message: the other side is at it, and has its next part done sooner than this one
 * would get its turn again.
 */

/** Milliseconds: as long as it takes to copy a few pieces. */
const MOMENT = 0.03
/** Looks between two looks at the clock. */
const LOOKS = 32

/** @param {() => boolean} done */
export function within(done) {
  let end = 0
  for (let i = 1; ; i++) {
    if (done()) return true
    if (i % LOOKS !== 0) continue
    const now = performance.now()
    if (end === 0) end = now + MOMENT
    else if (now >= end) return false
  }
}
