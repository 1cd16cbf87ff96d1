/** What of IPC stands on this machine, as far as this user may see. */
import { resolve } from 'node:path'
import { invalidType, invalidValue } from '../errors.js'
import native from '../load.js'
import { objectOf, path } from '../validate.js'
import { fifos, filesIn, posixMemory } from './files.js'
import { Holders } from './holders.js'
import { posixQueues } from './posix-queues.js'
import { sockets } from './sockets.js'
import { sysvMemory, sysvQueues, sysvSemaphores } from './sysv.js'

/**
 * @typedef {import('../../index.js').IpcKind} IpcKind
 * @typedef {import('../../index.js').IpcObject} IpcObject
 */

/** In the order in which they are listed. @type {readonly IpcKind[]} */
export const KINDS = [
  'sysv-queue',
  'sysv-semaphores',
  'sysv-memory',
  'posix-queue',
  'posix-semaphore',
  'posix-memory',
  'fifo',
  'socket',
]

/** @param {import('../../index.js').ListOptions} [options] @returns {IpcObject[]} */
export function list(options) {
  const { kinds, folders } = objectOf(options)
  return survey(kindsOf(kinds), foldersOf(folders)).objects
}

/**
 * @param {Set<IpcKind>} wanted
 * @param {string[]} folders beside the usual ones
 * @returns {{ objects: IpcObject[], queuesComplete: boolean }}
 */
export function survey(wanted, folders = []) {
  const memory = wanted.has('posix-memory')
  const semaphores = wanted.has('posix-semaphore')
  const holders = new Holders(memory || semaphores || wanted.has('sysv-memory'))
  const files = wanted.has('fifo') || wanted.has('socket') ? filesIn(placesOf(folders)) : new Map()
  const queues = wanted.has('posix-queue') ? posixQueues(holders) : { objects: [], complete: true }
  const objects = [
    ...(wanted.has('sysv-queue') ? sysvQueues() : []),
    ...(wanted.has('sysv-semaphores') ? sysvSemaphores() : []),
    ...(wanted.has('sysv-memory') ? sysvMemory(holders) : []),
    ...queues.objects,
    ...(memory || semaphores ? posixMemory(holders, { memory, semaphores }) : []),
    ...(wanted.has('fifo') ? fifos(holders, files) : []),
    ...(wanted.has('socket') ? sockets(holders, files) : []),
  ]
  return { objects, queuesComplete: queues.complete }
}

/**
 * Where FIFOs and sockets' files stand as a rule. No folder twice, and none below another: that is looked through with it.
 * @param {string[]} more
 */
function placesOf(more) {
  const usual = ['/run', '/tmp', '/var/tmp', process.env.XDG_RUNTIME_DIR, ...ownFolders()]
  return [...new Set([...usual, ...more].filter((folder) => folder?.startsWith('/')))].map(String)
}

/** Those in which this package puts things. */
function ownFolders() {
  try {
    return native.endpointFolders(null)
  } catch {
    // One that others may have had their hands in: it is no place of ours.
    return []
  }
}

/** @param {unknown} kinds @returns {Set<IpcKind>} */
function kindsOf(kinds) {
  if (kinds === undefined) return new Set(KINDS)
  if (!Array.isArray(kinds)) throw invalidType('options.kinds', 'an array of kinds', kinds)
  for (const kind of kinds) {
    if (!KINDS.includes(kind)) throw invalidValue('options.kinds', kind, `must be of ${KINDS.join(', ')}`)
  }
  return new Set(kinds)
}

/** @param {unknown} folders @returns {string[]} */
function foldersOf(folders) {
  if (folders === undefined) return []
  if (!Array.isArray(folders)) throw invalidType('options.folders', 'an array of paths', folders)
  return folders.map((folder) => resolve(path('options.folders', folder)))
}
