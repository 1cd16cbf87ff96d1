/**
 * What a call fails with: RpcError for what the other side says, codes in words for what happened on the way.
 */
import { coded } from '../errors.js'
import { integer, objectOf } from '../validate.js'

/** @typedef {{ code: number, message: string, data?: unknown, remote?: Remote }} ErrorBody */
/** @typedef {{ name: string, code?: string | number, message: string }} Remote */

/** JSON-RPC's own codes, LSP's for a call that was cancelled, and two of the range that is left to servers. */
export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
export const INTERNAL_ERROR = -32603
export const CANCELLED = -32800
export const THROWN = -32000
export const BUSY = -32010
export const DRAINING = -32011

/** The longest text of an error that is sent. */
const LONGEST = 4096

export class RpcError extends Error {
  /** @param {string} [message] @param {{ code?: number, data?: unknown, cause?: unknown }} [options] */
  constructor(message, options) {
    const given = objectOf(options)
    const { code = THROWN, data } = given
    super(message, 'cause' in given ? { cause: given.cause } : undefined)
    /** @type {number} */
    this.code = integer('options.code', code, Number.MIN_SAFE_INTEGER)
    /** @type {unknown} */
    this.data = data
    /** @type {Remote | null} */
    this.remote = null
  }

  static {
    Object.defineProperty(RpcError.prototype, 'name', { value: 'RpcError', configurable: true, writable: true })
  }
}

/**
 * What the other side says went wrong. Nothing of it is trusted to be what it should be.
 * @param {any} body
 */
export function errorOf(body) {
  const { code, message, data, remote } = Object(body)
  const error = new RpcError(typeof message === 'string' ? message : 'The other side reports an error without words')
  error.code = Number.isInteger(code) ? code : INTERNAL_ERROR
  error.data = data
  error.remote = remoteOf(remote)
  return error
}

/** @param {any} remote @returns {Remote | null} */
function remoteOf(remote) {
  if (remote === null || typeof remote !== 'object') return null
  const { name, code, message } = remote
  const told = { name: typeof name === 'string' ? name : 'Error', message: typeof message === 'string' ? message : '' }
  return typeof code === 'string' || typeof code === 'number' ? { name: told.name, code, message: told.message } : told
}

/**
 * What is sent of something that was thrown: no stack, no prototype. It may be anything, and answer with code of its own.
 * @param {unknown} thrown
 * @param {number} [longest] of its texts
 * @returns {ErrorBody}
 */
export function bodyOf(thrown, longest = LONGEST) {
  const code = read(thrown, 'code')
  const data = read(thrown, 'data')
  const name = read(thrown, 'name')
  const said = read(thrown, 'message')
  const message = (typeof said === 'string' ? said : wordsOf(thrown)).slice(0, longest)
  /** @type {Remote} */
  const remote = { name: typeof name === 'string' ? name.slice(0, longest) : typeof thrown, message }
  if (typeof code === 'string') remote.code = code.slice(0, longest)
  else if (typeof code === 'number' && Number.isFinite(code)) remote.code = code
  /** @type {ErrorBody} */
  const body = { code: Number.isInteger(code) ? /** @type {number} */ (code) : THROWN, message }
  if (data !== undefined && typeof data !== 'function' && typeof data !== 'symbol') body.data = data
  body.remote = remote
  return body
}

/** @param {any} thrown @param {string} name */
function read(thrown, name) {
  if (thrown === null || typeof thrown !== 'object') return undefined
  try {
    return thrown[name]
  } catch {
    return undefined
  }
}

/** @param {unknown} thrown */
function wordsOf(thrown) {
  try {
    return String(thrown)
  } catch {
    return 'something that has no words'
  }
}

/**
 * The server has gone. Whether it has carried the call out is known only where it was never sent.
 * @param {'no' | 'unknown'} delivered
 * @param {unknown} [cause]
 */
export function gone(delivered, cause) {
  const message =
    delivered === 'no'
      ? 'The other side has gone: the call was not sent'
      : 'The other side has gone without an answer: whether the call was carried out is not known'
  const error = coded(Error, 'ERR_IPC_PEER_DIED', message, { delivered })
  if (cause !== undefined && cause !== null) error.cause = cause
  return error
}

/** @param {string} message @param {object} [fields] */
export function corrupt(message, fields) {
  return coded(Error, 'ERR_IPC_CORRUPT', `The other side has sent what cannot be: ${message}`, fields)
}

/** @param {string} message @param {object} [fields] */
export function truncated(message, fields) {
  return coded(Error, 'ERR_IPC_TRUNCATED', message, fields)
}

/** Why the work on a call is to stop. @param {string} message */
export function abortError(message) {
  return Object.assign(new Error(message), { name: 'AbortError', code: 'ABORT_ERR' })
}
