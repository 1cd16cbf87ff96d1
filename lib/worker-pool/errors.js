import { coded } from '../errors.js'
import { RpcError } from '../rpc/errors.js'

/** @typedef {import('./member.js').End} End */

/** Those that a program asks for by their class. */
const CLASSES = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Type) => [Type.name, Type]),
)

/**
 * What a task threw in its worker, as an error of this process: of its name, message and code.
 * @param {any} error
 */
export function thrownBy(error) {
  if (!(error instanceof RpcError) || error.remote === null) return error
  const { name, message, code } = error.remote
  const Type = CLASSES.get(name) ?? Error
  const thrown = new Type(message)
  if (thrown.name !== name) Object.defineProperty(thrown, 'name', { value: name, configurable: true, writable: true })
  const fields = { ...(code !== undefined && { code }), ...(error.data !== undefined && { data: error.data }) }
  return Object.assign(thrown, fields)
}

/** The worker has gone, or cannot be understood any more. @param {any} error */
export function isLoss(error) {
  return ['ERR_IPC_PEER_DIED', 'ERR_IPC_CORRUPT', 'ERR_IPC_CLOSED'].includes(error?.code)
}

/** @param {End} end @param {unknown} cause */
export function died(end, cause) {
  return coded(Error, 'ERR_IPC_PEER_DIED', `The worker ended (${wordsOf(end)}) while it worked on the task`, {
    delivered: 'unknown',
    cause,
  })
}

/** @param {any} cause @param {End} end */
export function notStarted(cause, end) {
  const thrown = isLoss(cause) ? undefined : thrownBy(cause)
  const reason = thrown?.message ?? end.error?.message ?? `they end by themselves (${wordsOf(end)})`
  return coded(Error, 'ERR_IPC_NOT_INITIALIZED', `The workers of the pool do not start: ${reason}`, {
    cause: thrown ?? end.error ?? cause,
  })
}

/** @param {End} end */
function wordsOf({ code, signal }) {
  return signal === null ? `code ${code}` : signal
}
