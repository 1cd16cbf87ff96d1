/**
 * Frames as this package writes them, which are most of what it reads: what stands around params and results is recognised,
 * and the engine parses those alone. Whatever looks different is left to it as a whole.
 */

const OPENING = '{"jsonrpc":"2.0","id":'
const RESULT = ',"result":'
const METHOD = ',"method":"'
const PARAMS = ',"params":'

const [ZERO, ONE, NINE, QUOTE, BACKSLASH, SPACE] = ['0', '1', '9', '"', '\\', ' '].map((each) => each.charCodeAt(0))

/** @param {string} text @returns {any} what JSON.parse gives, or undefined where that is to be asked */
export function parseQuickly(text) {
  const end = text.length - 1
  if (!text.startsWith(OPENING) || text[end] !== '}') return undefined
  let at = OPENING.length
  let code = text.charCodeAt(at)
  if (!(code >= ONE && code <= NINE)) return undefined
  let id = 0
  for (; code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) id = id * 10 + (code - ZERO)
  if (id > Number.MAX_SAFE_INTEGER) return undefined
  if (text.startsWith(RESULT, at)) {
    const result = valueIn(text, at + RESULT.length, end)
    return result === undefined ? undefined : { jsonrpc: '2.0', id, result }
  }
  if (!text.startsWith(METHOD, at)) return undefined
  const start = at + METHOD.length
  at = endOfName(text, start)
  if (at < 0) return undefined
  const method = text.slice(start, at++)
  if (at === end) return { jsonrpc: '2.0', id, method }
  if (!text.startsWith(PARAMS, at)) return undefined
  const params = valueIn(text, at + PARAMS.length, end)
  return params === undefined ? undefined : { jsonrpc: '2.0', id, method, params }
}

/** Where the quote stands that ends a name without any escapes; -1 if it is none. @param {string} text @param {number} from */
function endOfName(text, from) {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH || code < SPACE) return -1
  }
  return -1
}

/** If what stands there is one value, all of the frame is what it looks like. @param {string} text @param {number} from @param {number} to */
function valueIn(text, from, to) {
  if (to - from === 4 && text.startsWith('null', from)) return null
  try {
    return JSON.parse(text.slice(from, to))
  } catch {
    return undefined
  }
}
