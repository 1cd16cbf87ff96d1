/** What the command line calls the kinds, and how an object is called: as `ls` prints it and `rm` takes it. */
import { visible } from '../escape.js'

/**
 * @typedef {import('../../../index.js').IpcKind} IpcKind
 * @typedef {import('../../../index.js').IpcObject} IpcObject
 */

/** @type {Record<IpcKind, string>} */
const SHORT = {
  'sysv-queue': 'sysv-queue',
  'sysv-semaphores': 'sysv-sem',
  'sysv-memory': 'sysv-shm',
  'posix-queue': 'mq',
  'posix-semaphore': 'sem',
  'posix-memory': 'shm',
  fifo: 'fifo',
  socket: 'socket',
}

export const kindNames = Object.values(SHORT)

/** By its short name or its long one. @param {string} name @returns {IpcKind | undefined} */
export function kindOf(name) {
  const found = Object.entries(SHORT).find(([long, short]) => name === long || name === short)
  return /** @type {IpcKind | undefined} */ (found?.[0])
}

/** @param {IpcObject} object */
export function shortKind({ kind, type, listening }) {
  if (kind !== 'socket') return SHORT[kind]
  return listening ? 'listener' : type === undefined ? 'socket' : type
}

/** What nobody else is called. @param {IpcObject} object */
export function callOf({ kind, name, id }) {
  if (kind.startsWith('sysv-')) return `${SHORT[kind]}:${id}`
  if (kind.startsWith('posix-')) return `${SHORT[kind]}:${name}`
  return name === '' ? `socket:[${id}]` : name
}

/** The same for a person's eyes. @param {IpcObject} object */
export function shownCall(object) {
  return visible(callOf(object))
}
