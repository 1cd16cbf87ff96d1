/**
 * Keys of System V objects: how processes that share nothing but a number or a file find the same one. See ftok(3).
 */
import { invalidType, outOfRange, retrace } from '../errors.js'
import native from '../load.js'
import { integer, path as pathOf } from '../validate.js'

/**
 * The key that every C library makes of a file and a number.
 * @param {string | URL} path
 * @param {number} projectId
 * @returns {number}
 */
export function ftok(path, projectId) {
  return native.sysvFtok(pathOf('path', path), integer('projectId', projectId, 1, 255))
}

/**
 * A key as the kernel has it, a signed number of 32 bits; undefined for a private object. Tools write keys without a
 * sign, so those are taken too.
 * @param {unknown} key
 */
export function keyOf(key, name = 'key') {
  if (key === 'private') return undefined
  if (typeof key !== 'number') throw invalidType(name, "of type number or 'private'", key)
  const number = integer(name, key, -0x80000000, 0xffffffff) | 0
  if (number === 0) throw outOfRange(name, "other than 0, which is the kernel's own word for 'private'", key)
  return number
}

/**
 * Opens an object by its key; if that fails, the error's message says which key it was.
 * @template T
 * @param {number | undefined} key
 * @param {() => T} open
 * @returns {T}
 */
export function openingKey(key, open) {
  try {
    return open()
  } catch (error) {
    if (key === undefined) throw error
    // As ipcs(1) writes it. A stack begins with the message that there was when it was made.
    Object(error).message += ` 0x${(key >>> 0).toString(16).padStart(8, '0')}`
    throw retrace(error)
  }
}

/** The kernel's number of an object. @param {unknown} id */
export function idOf(id, name = 'id') {
  return integer(name, id, 0, 0x7fffffff)
}
