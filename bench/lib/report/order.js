/** Which way round figures are better. */

/** Of times, memory and shares of the processor. */
const LESS = /^(ns|µs|ms|s|KiB|MiB|%)$/

/** @param {string} unit */
export function isLess(unit) {
  return LESS.test(unit)
}
