/** @typedef {{ code: number | null, signal: NodeJS.Signals | null }} ExitStatus */
import { labelOf } from '../signals/name.js'

/**
 * What Node tells of a child, of the number that wait(2) gives.
 * @param {number} status
 * @returns {ExitStatus}
 */
export function statusOf(status) {
  const signal = status & 0x7f
  if (signal === 0) return { code: (status >> 8) & 0xff, signal: null }
  return { code: null, signal: /** @type {NodeJS.Signals} */ (labelOf(signal)) }
}
