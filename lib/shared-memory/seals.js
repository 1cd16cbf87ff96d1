/**
 * Seals of anonymous memory by name. See fcntl(2), F_ADD_SEALS.
 */
import { invalidType, invalidValue } from '../errors.js'

/** @typedef {import('../../index.js').Seal} Seal */

/** In the order of the kernel's bits. @type {readonly Seal[]} */
const NAMES = ['seal', 'shrink', 'grow', 'write', 'future-write', 'exec']

/** @param {string} name @param {unknown} seals @returns {number} */
export function bitsOf(name, seals) {
  if (!Array.isArray(seals)) throw invalidType(name, 'an Array of seals', seals)
  let bits = 0
  for (const seal of seals) {
    const index = NAMES.indexOf(seal)
    if (index < 0) throw invalidValue(name, seal, `must be of ${NAMES.map((known) => `'${known}'`).join(', ')}`)
    bits |= 1 << index
  }
  return bits
}

/** @param {number} bits @returns {Seal[]} */
export function sealsOf(bits) {
  return NAMES.filter((_, index) => bits & (1 << index))
}
