/**
 * Errors that are made in JS, in Node's shape. What the kernel says becomes an error in the addon.
 */
import { constants } from 'node:os'
import { inspect } from 'node:util'

/** @typedef {Error & { code: string, bytesSent?: number, hint?: string }} CodedError */

/**
 * @param {new (message: string) => Error} Type
 * @param {string} code
 * @param {string} message
 * @param {object} [fields]
 * @returns {CodedError}
 */
export function coded(Type, code, message, fields) {
  return Object.assign(new Type(message), { code }, fields)
}

/** @param {string} name @param {string} expected @param {unknown} actual */
export function invalidType(name, expected, actual) {
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE', `${subject(name)} must be ${expected}. Received ${describe(actual)}`)
}

/** @param {string} name @param {unknown} actual @param {string} reason */
export function invalidValue(name, actual, reason) {
  return coded(TypeError, 'ERR_INVALID_ARG_VALUE', `${subject(name)} ${reason}. Received ${describe(actual)}`)
}

/** @param {string} name @param {string} range @param {unknown} actual */
export function outOfRange(name, range, actual) {
  return coded(RangeError, 'ERR_OUT_OF_RANGE', `${subject(name)} must be ${range}. Received ${describe(actual)}`)
}

/**
 * Of a value that has no bytes in `form`: a cycle, a function, or code of its owner's that has thrown.
 * @param {string} name
 * @param {string} form
 * @param {unknown} cause
 */
export function unsendable(name, form, cause) {
  return coded(TypeError, 'ERR_INVALID_ARG_VALUE', `${subject(name)} cannot be sent as ${form}${reasonOf(cause)}`, {
    cause,
  })
}

/** What was thrown may be anything. @param {unknown} thrown */
function reasonOf(thrown) {
  try {
    const { message } = /** @type {any} */ (thrown)
    return typeof message === 'string' ? `: ${message}` : ''
  } catch {
    return ''
  }
}

/** @param {string} message */
export function invalidState(message) {
  return coded(Error, 'ERR_INVALID_STATE', message)
}

/** @param {string} message */
export function notSupported(message) {
  return coded(Error, 'ERR_IPC_NOT_SUPPORTED', message)
}

export function illegalConstructor() {
  return coded(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor: use the static methods of the class')
}

export function closedError() {
  return coded(Error, 'ERR_IPC_CLOSED', 'The handle is closed')
}

export function timedOut() {
  return coded(Error, 'ETIMEDOUT', 'ETIMEDOUT: the operation timed out', { errno: -constants.errno.ETIMEDOUT })
}

/** @param {number} limit */
export function tooManyPending(limit) {
  return coded(Error, 'ERR_IPC_LIMIT', `${limit} operations wait on this handle already`, {
    hint: 'the limit is its pendingLimit',
  })
}

/** A method was called upon something else than what it belongs to. @param {string} expected */
export function invalidThis(expected) {
  return coded(TypeError, 'ERR_INVALID_THIS', `Value of "this" must be ${expected}`)
}

/**
 * Adds fields to an error that may be the user's own: one that takes none stays as it is, for whoever waits for it is to
 * get it in any case.
 * @param {unknown} error
 * @param {(error: object) => object | undefined} fieldsOf
 */
export function telling(error, fieldsOf) {
  try {
    if (error !== null && typeof error === 'object' && Object.isExtensible(error)) {
      Object.assign(error, fieldsOf(error))
    }
  } catch {
    // A field that cannot be written, a proxy that refuses.
  }
  return error
}

/**
 * Gives an error of ours the stack of whoever awaits it: it was made in a callback, where that cannot be seen.
 * @param {unknown} error
 */
export function retrace(error) {
  if (error instanceof Error && Object.isExtensible(error)) Error.captureStackTrace(error, retrace)
  return error
}

/** @param {string} name */
function subject(name) {
  return name.includes('.') ? `The "${name}" property` : `The "${name}" argument`
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function' || typeof value === 'object') return describeObject(value)
  const shown = inspect(value, { colors: false })
  return `type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`
}

/**
 * Not by the value's own inspection: that could run code of its owner.
 * @param {object} value
 */
function describeObject(value) {
  const kind = typeof value === 'function' ? 'a function' : 'an object'
  try {
    const name = typeof value === 'function' ? value.name : Object.getPrototypeOf(value)?.constructor?.name
    if (typeof name !== 'string' || name === '') return kind
    return typeof value === 'function' ? `function ${name}` : `an instance of ${name}`
  } catch {
    // A proxy that refuses, or has been revoked.
    return kind
  }
}
