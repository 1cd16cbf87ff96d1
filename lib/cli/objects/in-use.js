/** Whether somebody would miss an object. */
import { SysvMessageQueue } from '../../sysv-queue/queue.js'
import { SysvSemaphoreSet } from '../../sysv-semaphore/set.js'
import { plural } from './figures.js'
import { called, isAlive } from './people.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/**
 * Why it counts as in use, as the end of a sentence; undefined where nothing says so.
 * @param {IpcObject} object
 */
export function inUse(object) {
  const { kind, id = 0, holders = [], attached = 0 } = object
  if (holders.length > 0) return `open in ${called(holders[0])}${holders.length > 1 ? ' and others' : ''}`
  if (attached > 0) return `attached ${plural(attached, 'time')}`
  if (kind === 'sysv-queue') return lastUser(queuePids(id))
  if (kind !== 'sysv-semaphores') return undefined
  const { waiting, pids } = setFacts(id)
  return waiting > 0 ? `waited for by ${plural(waiting, 'thread')}` : lastUser(pids)
}

/** Nobody holds a System V queue or set open: who last had to do with it, and lives, may come again. @param {number[]} pids */
function lastUser(pids) {
  const pid = pids.find((candidate) => candidate !== process.pid && isAlive(candidate))
  return pid === undefined ? undefined : `last used by ${called(pid)}, which lives`
}

/** @param {number} id */
function queuePids(id) {
  const stat = seen(
    () => SysvMessageQueue.fromId(id),
    (queue) => queue.stat(),
  )
  return stat ? [stat.lastSendPid, stat.lastRecvPid] : []
}

/** @param {number} id */
function setFacts(id) {
  const stat = seen(
    () => SysvSemaphoreSet.fromId(id),
    (set) => set.stat(),
  )
  const semaphores = stat?.semaphores ?? []
  return {
    waiting: semaphores.reduce((sum, { waiting, waitingForZero }) => sum + waiting + waitingForZero, 0),
    pids: [...new Set(semaphores.map(({ lastPid }) => lastPid))],
  }
}

/**
 * What is not for this user, or has gone, cannot be asked.
 * @template {{ close(): void }} H
 * @template T
 * @param {() => H} open
 * @param {(handle: H) => T} ask
 */
export function seen(open, ask) {
  try {
    const handle = open()
    try {
      return ask(handle)
    } finally {
      handle.close()
    }
  } catch {
    return undefined
  }
}
