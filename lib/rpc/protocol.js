/**
 * What is written: JSON-RPC 2.0, with a few members and notifications of our own, which docs/rpc.md describes. As text where
 * frames are bytes, as values where the channel has a codec.
 */
import { jsonOf } from '../data.js'
import { invalidType } from '../errors.js'

/** The call with that id is not wanted any more, as language servers say it. */
export const CANCEL = '$/cancelRequest'
/** One more of what a streaming call gives. */
export const ITEM = '$/item'
/** The caller of a streaming call takes so many more. */
export const MORE = '$/more'

/** @typedef {string | number | null} Id */
/** @typedef {import('./errors.js').ErrorBody} ErrorBody */

/**
 * What a frame has besides: the places of its handles, and, of a call, that it streams.
 * @typedef {{ handles?: unknown[], stream?: number }} Extra
 */

/**
 * @typedef {object} Notation
 * @property {(id: number, method: string, params: unknown, extra: Extra | undefined) => any} request
 * @property {(method: string, params: unknown, extra: Extra | undefined) => any} notification
 * @property {(id: Id, result: unknown, extra: Extra | undefined) => any} result
 * @property {(id: Id, error: ErrorBody) => any} error
 * @property {(frames: any[]) => any} batch
 */

const OPENING = '{"jsonrpc":"2.0"'

/** Methods are few, and called often. @type {Map<string, string>} */
const quoted = new Map()
const REMEMBERED = 1024

/** @param {string} method */
function quote(method) {
  let text = quoted.get(method)
  if (text === undefined) {
    text = `,"method":${JSON.stringify(method)}`
    if (quoted.size >= REMEMBERED) quoted.clear()
    if (method.length < 256) quoted.set(method, text)
  }
  return text
}

/** @param {unknown} params */
function paramsText(params) {
  if (params === undefined || params === null) return ''
  return `,"params":${jsonOf(params, 'params')}`
}

/** @param {Extra | undefined} extra */
function extraText(extra) {
  if (extra === undefined) return ''
  const { handles, stream } = extra
  return `${stream === undefined ? '' : `,"stream":${stream}`}${handles === undefined ? '' : `,"handles":${JSON.stringify(handles)}`}`
}

/** @param {Id} id */
const idText = (id) => (typeof id === 'number' ? `,"id":${id}` : `,"id":${JSON.stringify(id)}`)

/** @type {Notation} */
export const text = {
  request: (id, method, params, extra) =>
    `${OPENING},"id":${id}${quote(method)}${paramsText(params)}${extraText(extra)}}`,
  notification: (method, params, extra) => `${OPENING}${quote(method)}${paramsText(params)}${extraText(extra)}}`,
  result(id, result, extra) {
    const value = result === undefined ? 'null' : jsonOf(result, 'result')
    return `${OPENING}${idText(id)},"result":${value}${extraText(extra)}}`
  },
  error: (id, error) => `${OPENING}${idText(id)},"error":${JSON.stringify(error)}}`,
  batch: (frames) => `[${frames.join(',')}]`,
}

/** @param {unknown} params */
const paramsMember = (params) => (params === undefined || params === null ? undefined : { params })

/** @type {Notation} */
export const value = {
  request: (id, method, params, extra) => ({ jsonrpc: '2.0', id, method, ...paramsMember(params), ...extra }),
  notification: (method, params, extra) => ({ jsonrpc: '2.0', method, ...paramsMember(params), ...extra }),
  result: (id, result, extra) => ({ jsonrpc: '2.0', id, result: result === undefined ? null : result, ...extra }),
  error: (id, error) => ({ jsonrpc: '2.0', id, error }),
  batch: (frames) => frames,
}

/** What JSON has no text for would be left out without a word. @param {string} name @param {unknown} given */
function present(name, given) {
  if (typeof given !== 'function' && typeof given !== 'symbol') return given
  throw invalidType(name, 'a value that JSON has', given)
}

/** Values that a channel turns into JSON. @type {Notation} */
export const json = {
  ...value,
  request: (id, method, params, extra) => value.request(id, method, present('params', params), extra),
  notification: (method, params, extra) => value.notification(method, present('params', params), extra),
  result: (id, result, extra) => value.result(id, present('result', result), extra),
}
