/**
 * Directions of which it is only presumed that nothing can be done, to save asking. Whoever waits there is looked after
 * once, soon: what they wait for may be there already, and then nobody tells of it.
 */
import { setTimeout } from 'node:timers'

/** Milliseconds. */
const SOON = 10

/** @typedef {{ lookAgain(): void }} Presumed */

/** @type {Set<Presumed>} */
const presumed = new Set()

/** @param {Presumed} direction */
export function lookSoon(direction) {
  // Whether the loop goes on is for the handle to say, not for the timer.
  if (presumed.size === 0) setTimeout(look, SOON).unref()
  presumed.add(direction)
}

function look() {
  const all = [...presumed]
  presumed.clear()
  for (const direction of all) direction.lookAgain()
}
