import { UsageError } from '../command.js'

/** @param {import('../command.js').Call} call @returns {import('./ends.js').Wishes} */
export function wishesOf({ options, signal, err }) {
  return {
    timeout: options.timeout === undefined ? Number.POSITIVE_INFINITY : amount('timeout', options.timeout),
    signal,
    priority: options.priority === undefined ? undefined : amount('priority', options.priority),
    type: options.type === undefined ? undefined : amount('type', options.type),
    history: options.history === undefined ? 0 : amount('history', options.history),
    create: Boolean(options.create),
    listen: Boolean(options.listen),
    tell: (text) => err.write(`${text}\n`),
  }
}

/** @param {string} name @param {string} text */
export function amount(name, text) {
  if (!/^-?\d{1,15}$/.test(text)) throw new UsageError(`--${name} takes a whole number, and not '${text}'`)
  return Number(text)
}
