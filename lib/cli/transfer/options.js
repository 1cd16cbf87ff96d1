import { UsageError } from '../command.js'

/** Of POSIX queues: MQ_PRIO_MAX is one more. */
const HIGHEST = 32767

/** @param {import('../command.js').Call} call @returns {import('./ends.js').Wishes} */
export function wishesOf({ options, signal, err }) {
  return {
    timeout: options.timeout === undefined ? Number.POSITIVE_INFINITY : amount('timeout', options.timeout),
    signal,
    priority: options.priority === undefined ? undefined : amount('priority', options.priority, HIGHEST),
    // Of msgrcv(2), where less than none has a meaning.
    type: options.type === undefined ? undefined : whole('type', options.type),
    history: options.history === undefined ? 0 : amount('history', options.history),
    codec: codecOf(options.codec),
    create: Boolean(options.create),
    listen: Boolean(options.listen),
    tell: (text) => err.write(`${text}\n`),
  }
}

/** @param {string} name @param {string} text @param {number} [most] */
export function amount(name, text, most = Number.POSITIVE_INFINITY) {
  const value = whole(name, text)
  if (value < 0 || value > most) {
    throw new UsageError(`--${name} takes ${most < 1e15 ? `0 to ${most}` : 'no less than 0'}, and not '${text}'`)
  }
  return value
}

/** @param {string} name @param {string} text */
function whole(name, text) {
  if (!/^-?\d{1,15}$/.test(text)) throw new UsageError(`--${name} takes a whole number, and not '${text}'`)
  return Number(text)
}

/** @param {string | undefined} text @returns {import('./ends.js').Codec} */
function codecOf(text = 'bytes') {
  if (text !== 'bytes' && text !== 'json' && text !== 'structured') {
    throw new UsageError(`--codec takes bytes, json or structured, and not '${text}'`)
  }
  return text
}
