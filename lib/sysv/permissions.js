/**
 * How System V objects are opened, and who may do what with them.
 */
import { invalidValue } from '../errors.js'
import { boolean, integer, objectOf } from '../validate.js'

/** The nine bits that the kernel knows. @param {string} name @param {unknown} value @param {number} fallback */
function bits(name, value, fallback) {
  return value === undefined ? fallback : integer(name, value, 0, 0o777)
}

/** (uid_t) -1 is nobody. */
const LAST_UID = 0xfffffffe

/** @param {unknown} options @param {number | undefined} key undefined for a private one, which is always made */
export function openOptionsOf(options, key) {
  const given = objectOf(options)
  const create = boolean('options.create', given.create, key === undefined)
  const exclusive = boolean('options.exclusive', given.exclusive, false)
  const mode = bits('options.mode', given.mode, 0o600)
  if (exclusive && !create) throw invalidValue('options.exclusive', exclusive, 'needs create: true')
  return { create, exclusive, mode }
}

/** @param {Record<string, any>} changes @returns {{ uid?: number, gid?: number, mode?: number }} */
export function ownershipOf(changes) {
  const { uid, gid, mode } = changes
  return {
    uid: uid === undefined ? undefined : integer('changes.uid', uid, 0, LAST_UID),
    gid: gid === undefined ? undefined : integer('changes.gid', gid, 0, LAST_UID),
    mode: mode === undefined ? undefined : bits('changes.mode', mode, 0),
  }
}

/** Seconds since 1970 as a Date; null for never. @param {number} seconds */
export function dateOf(seconds) {
  return seconds === 0 ? null : new Date(seconds * 1000)
}
