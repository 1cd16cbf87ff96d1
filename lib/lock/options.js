/**
 * How objects with a name of their own are opened: locks, conditions, barriers.
 */
import { invalidType } from '../errors.js'
import { boolean, integer, objectOf } from '../validate.js'

// As src/lock.rs numbers them.
export const MUTEX = 0
export const RW_LOCK = 1
export const CONDITION = 2
export const BARRIER = 3

/**
 * What a handle was opened with.
 * @typedef {{ name: string, mode: number, anyOwner: boolean }} Opened
 */

/** The largest value of a semaphore. */
const MOST_PARTIES = 0x7fff

/** The addon checks what stands in it. @param {unknown} name @returns {string} */
export function nameOf(name) {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  return name
}

/** @param {unknown} options */
export function lockOptionsOf(options) {
  return optionsOf(objectOf(options))
}

/** @param {unknown} options */
export function barrierOptionsOf(options) {
  const given = objectOf(options)
  const { parties } = given
  return { parties: integer('options.parties', parties, 1, MOST_PARTIES), ...optionsOf(given) }
}

/** @param {Record<string, any>} given */
function optionsOf({ mode, anyOwner }) {
  return {
    mode: mode === undefined ? 0o600 : integer('options.mode', mode, 0, 0o777),
    anyOwner: boolean('options.anyOwner', anyOwner, false),
  }
}
