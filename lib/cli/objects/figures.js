/** Facts of objects in a few characters. */
import { called } from './people.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const most = 3

/** @param {number} count */
export function bytes(count) {
  if (!Number.isFinite(count)) return 'unlimited'
  let unit = 0
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024
    unit++
  }
  return `${Number.isInteger(count) ? count : count.toFixed(1)} ${units[unit]}`
}

/** @param {IpcObject} object */
export function size({ kind, bytes: count, messages, semaphores, listening }) {
  if (semaphores !== undefined) return plural(semaphores, 'semaphore')
  if (listening) return `${messages ?? 0} waiting`
  if (messages !== undefined) return messages === 0 ? 'empty' : `${plural(messages, 'message')}, ${bytes(count ?? 0)}`
  if (kind === 'posix-semaphore' || count === undefined) return ''
  return kind === 'socket' && count === 0 ? '' : bytes(count)
}

/** @param {IpcObject} object */
export function users({ attached, holders = [] }) {
  const named = holders.slice(0, most).map(called)
  if (holders.length > most) named.push(`and ${holders.length - most} more`)
  if (attached && attached > holders.length) named.unshift(`attached ${attached} times`)
  return named.join(', ')
}

/** @param {number | undefined} created @param {number} [now] */
export function age(created, now = Date.now()) {
  if (created === undefined) return ''
  const seconds = Math.max(0, Math.floor((now - created) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** @param {number} mode */
export function permissions(mode) {
  return mode.toString(8).padStart(3, '0')
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
