/**
 * Telling the service manager how it goes: see sd_notify(3).
 */
import { Buffer } from 'node:buffer'
import { invalidType, invalidValue, notSupported } from '../errors.js'
import native from '../load.js'
import { descriptorsOf, numberOfHandle } from '../unix-socket/outgoing.js'
import { objectOf } from '../validate.js'

/** @typedef {import('../handle.js').Handle} Handle */

/**
 * @param {string | Record<string, string | number>} state
 * @param {{ fds?: Array<number | Handle> }} [options]
 * @returns {boolean}
 */
export function systemdNotify(state, options) {
  const { fds } = objectOf(options)
  const text = textOf(state)
  const given = fds === undefined ? [] : descriptorsOf('options.fds', fds)
  const address = process.env.NOTIFY_SOCKET
  if (address === undefined || address === '') return false
  if (!/^[/@]/.test(address)) {
    throw notSupported(`NOTIFY_SOCKET is '${address}': only Unix domain sockets are spoken to`)
  }
  return native.systemdNotify(
    address,
    Buffer.from(text),
    given.map((fd) => numberOfHandle(fd)),
  )
}

/** @param {unknown} state */
function textOf(state) {
  if (typeof state === 'string') {
    if (state === '') throw invalidValue('state', state, 'must not be empty')
    return state
  }
  if (state === null || typeof state !== 'object' || Array.isArray(state)) {
    throw invalidType('state', 'of type string or an object', state)
  }
  const lines = Object.entries(state).map(([name, value]) => {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw invalidValue('state', name, 'must have names such as STATUS')
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalidType(`state.${name}`, 'of type string or number', value)
    }
    const line = `${name}=${value}`
    // It would be taken for a line of its own.
    if (line.includes('\n')) throw invalidValue(`state.${name}`, value, 'must be of one line')
    return line
  })
  if (lines.length === 0) throw invalidValue('state', state, 'must not be empty')
  return lines.join('\n')
}
