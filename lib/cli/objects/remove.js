import { lstatSync, unlinkSync } from 'node:fs'
import { Barrier } from '../../lock/barrier.js'
import { Condition } from '../../lock/condition.js'
import { Mutex } from '../../lock/mutex.js'
import { RwLock } from '../../lock/rw-lock.js'
import { PosixMessageQueue } from '../../posix-queue/queue.js'
import { PosixSemaphore } from '../../posix-semaphore/semaphore.js'
import { SharedMemory } from '../../shared-memory/memory.js'
import { SysvMessageQueue } from '../../sysv-queue/queue.js'
import { SysvSemaphoreSet } from '../../sysv-semaphore/set.js'
import { Topic } from '../../topic/topic.js'
import { UsageError } from '../command.js'
import { shownCall } from './kinds.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** Files of locks with names, each of which stands for a semaphore set that has to go with it. */
const LOCK = /^\/os-ipc-(mutex|rwlock|condition|barrier)\.(.+)$/s
/** Memory of topics: to end one is more than to remove its name. */
const TOPIC = /^\/os-ipc-topic\.(.+)$/s
const LOCKS = { mutex: Mutex, rwlock: RwLock, condition: Condition, barrier: Barrier }

/** A socket without a file ends with whoever has it open. @param {IpcObject} object */
export function assertRemovable(object) {
  if (object.kind === 'socket' && !object.name.startsWith('/')) {
    throw new UsageError(
      `${shownCall(object)} has no file that could be removed: it goes with the processes that have it`,
    )
  }
}

/** @param {IpcObject} object */
export function remove(object) {
  const { kind, name, id = 0 } = object
  switch (kind) {
    case 'sysv-queue':
      return removing(SysvMessageQueue.fromId(id), (queue) => queue.remove())
    case 'sysv-semaphores':
      return removing(SysvSemaphoreSet.fromId(id), (set) => set.remove())
    case 'sysv-memory':
      return removing(SharedMemory.fromSysvId(id), (memory) => memory.unlink())
    case 'posix-queue':
      return PosixMessageQueue.unlink(name)
    case 'posix-semaphore':
      return PosixSemaphore.unlink(name)
    case 'posix-memory':
      return removeMemory(name)
    default:
      return removeFile(object)
  }
}

/**
 * @template {{ close(): void }} H
 * @param {H} handle
 * @param {(handle: H) => void} how
 */
function removing(handle, how) {
  try {
    how(handle)
  } finally {
    handle.close()
  }
}

/** @param {string} name */
function removeMemory(name) {
  const [, topic] = TOPIC.exec(name) ?? []
  if (topic !== undefined) return removeTopic(topic, name)
  const [, kind, lock] = LOCK.exec(name) ?? []
  if (kind === undefined) return SharedMemory.unlink(name)
  return LOCKS[/** @type {keyof typeof LOCKS} */ (kind)].unlink(lock)
}

/** @param {string} topic @param {string} name */
function removeTopic(topic, name) {
  try {
    Topic.unlink(`@${topic}`)
  } catch (error) {
    // Somebody has written something else there.
    if (/** @type {any} */ (error).code !== 'ERR_INVALID_ARG_VALUE') throw error
    SharedMemory.unlink(name)
  }
}

/** What stands there by now must be what was listed. @param {IpcObject} object */
function removeFile({ kind, name, uid }) {
  const stats = lstatSync(name)
  if ((kind === 'fifo' ? !stats.isFIFO() : !stats.isSocket()) || stats.uid !== uid) {
    throw Object.assign(new Error('something else stands there by now'), { code: 'EEXIST' })
  }
  unlinkSync(name)
}
