/**
 * Addresses: checked by the addon, which knows each by a number.
 */
import { invalidType } from '../errors.js'
import native from '../load.js'

/** So many are remembered: a program talks to few. */
const REMEMBERED = 256

/** @type {Map<string, number>} */
const numbers = new Map()

/** @param {string} name @param {unknown} value @returns {string} */
export function addressOf(name, value) {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  return value
}

/**
 * For the next call alone: it is another one's after that. Throws for what cannot be an address.
 * @param {string} address
 * @returns {number}
 */
export function numberOf(address) {
  const known = numbers.get(address)
  if (known !== undefined) return known
  const number = native.unixAddress(address)
  if (numbers.size >= REMEMBERED) {
    const [[oldest, forgotten]] = numbers
    numbers.delete(oldest)
    native.unixAddressForget(forgotten)
  }
  numbers.set(address, number)
  return number
}
