/** System V objects: sysvipc(7). The kernel tells everybody of all of them in its IPC namespace. */
import { notSupported } from '../errors.js'
import { tableOf } from './proc.js'

/**
 * @typedef {import('../../index.js').IpcObject} IpcObject
 * @typedef {import('./holders.js').Holders} Holders
 */

/** @returns {IpcObject[]} */
export function sysvQueues() {
  return rowsOf('msg').map(({ row, ...common }) => ({
    kind: 'sysv-queue',
    ...common,
    ...owned(row, 7, 13),
    bytes: Number(row[3]),
    messages: Number(row[4]),
  }))
}

/** @returns {IpcObject[]} */
export function sysvSemaphores() {
  return rowsOf('sem').map(({ row, ...common }) => ({
    kind: 'sysv-semaphores',
    ...common,
    ...owned(row, 4, 9),
    semaphores: Number(row[3]),
  }))
}

/** @param {Holders} holders @returns {IpcObject[]} */
export function sysvMemory(holders) {
  return rowsOf('shm').map(({ row, ...common }) => ({
    kind: 'sysv-memory',
    ...common,
    ...owned(row, 7, 13),
    bytes: Number(row[3]),
    attached: Number(row[6]),
    holders: holders.ofSegment(common.id),
  }))
}

/** @param {'msg' | 'sem' | 'shm'} name */
function rowsOf(name) {
  const path = `/proc/sysvipc/${name}`
  const rows = tableOf(path)
  if (!rows) throw notSupported(`${path} is not to be read: System V objects cannot be listed without /proc`)
  return rows.map((row) => {
    const key = Number(row[0]) | 0
    return { row, name: `0x${(key >>> 0).toString(16).padStart(8, '0')}`, id: Number(row[1]), key }
  })
}

/** @param {string[]} row @param {number} uid where it stands @param {number} time and the last change, in seconds */
function owned(row, uid, time) {
  // Above the permissions stand flags of shared memory.
  return { uid: Number(row[uid]), mode: Number.parseInt(row[2], 8) & 0o777, created: Number(row[time]) * 1000 }
}
