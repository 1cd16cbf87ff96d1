/**
 * Arguments and options, checked and normalised once at the door: what lies behind sees one shape only.
 *
 * Every property of an options object is read exactly once, before anything happens: a getter may throw or change things.
 */
import { fileURLToPath } from 'node:url'
import { invalidType, invalidValue, outOfRange } from './errors.js'

/** @typedef {{ timeout: number, signal: AbortSignal | undefined }} Wait */

const NONE = Object.freeze({})

/** For a wait without options: for ever, with nobody to abort it. @type {Readonly<Wait>} */
export const FOR_EVER = Object.freeze({ timeout: Number.POSITIVE_INFINITY, signal: undefined })

/**
 * @param {unknown} options
 * @returns {Record<string, any>}
 */
export function objectOf(options, name = 'options') {
  if (options === undefined) return NONE
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType(name, 'an object', options)
  }
  return options
}

/**
 * @param {Record<string, any>} options
 * @returns {Readonly<Wait>}
 */
export function waitOf(options) {
  if (options === NONE) return FOR_EVER
  const { timeout, signal } = options
  if (timeout === undefined && signal === undefined) return FOR_EVER
  return { timeout: milliseconds('options.timeout', timeout), signal: abortSignal('options.signal', signal) }
}

/** @param {Record<string, any>} options */
export function timeoutOf(options) {
  return milliseconds('options.timeout', options.timeout)
}

/** @param {string} name @param {unknown} value @returns {number} */
function milliseconds(name, value) {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!(value >= 0)) throw outOfRange(name, 'a number >= 0', value)
  return value
}

/** @param {string} name @param {any} value @returns {AbortSignal | undefined} */
export function abortSignal(name, value) {
  if (value === undefined) return undefined
  const fits =
    value !== null && typeof value === 'object' && 'aborted' in value && typeof value.addEventListener === 'function'
  if (!fits) throw invalidType(name, 'an instance of AbortSignal', value)
  return value
}

/** @param {string} name @param {unknown} value @returns {number} */
export function integer(name, value, least = 0, most = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < least || value > most) throw outOfRange(name, `>= ${least} and <= ${most}`, value)
  return value
}

/** @param {string} name @param {unknown} value @param {boolean} fallback @returns {boolean} */
export function boolean(name, value, fallback) {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value)
  return value
}

/** A descriptor's number. @param {string} name @param {unknown} value */
export function descriptor(name, value) {
  return integer(name, value, 0, 0x7fffffff)
}

/** Permission bits. @param {string} name @param {unknown} value @param {number} fallback */
export function mode(name, value, fallback) {
  return value === undefined ? fallback : integer(name, value, 0, 0o7777)
}

/** A path in the file system: a string or a file: URL. @param {string} name @param {unknown} value @returns {string} */
export function path(name, value) {
  if (value instanceof URL) {
    try {
      value = fileURLToPath(value)
    } catch {
      throw invalidValue(name, value, 'must be a file: URL')
    }
  }
  if (typeof value !== 'string') throw invalidType(name, 'of type string or a file: URL', value)
  if (value === '') throw invalidValue(name, value, 'must not be empty')
  if (value.includes('\0')) throw invalidValue(name, value, 'must be a string without null bytes')
  return value
}
