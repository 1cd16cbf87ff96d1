/** What is swept up, told as `list()` tells it. */
import { cleanup as sweep } from '../registry.js'

/**
 * @typedef {import('../../index.js').IpcKind} IpcKind
 * @typedef {import('../../index.js').IpcObject} IpcObject
 */

/** @param {{ dryRun?: boolean }} [options] @returns {IpcObject[]} */
export function cleanup(options) {
  return sweep(options).map((removed) => ({ ...removed, ...called(removed) }))
}

/**
 * The set of a lock is entered by its key; another file than a socket's or a FIFO's is memory.
 * @param {{ kind: string, name: string }} removed
 */
function called({ kind, name }) {
  if (kind === 'file') return { kind: /** @type {const} */ ('posix-memory') }
  if (kind !== 'lock') return { kind: /** @type {IpcKind} */ (kind) }
  const key = Number(name) | 0
  return {
    kind: /** @type {const} */ ('sysv-semaphores'),
    name: `0x${(key >>> 0).toString(16).padStart(8, '0')}`,
    key,
  }
}
