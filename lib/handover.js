/**
 * How each class is handed over to another process, and rebuilt there: one table for descriptors in messages, channels
 * and spawned children alike. What travels is `{ kind, fds, meta }`; the numbers in `fds` are the receiver's own when it
 * rebuilds.
 */
import { invalidType, notSupported } from './errors.js'
import { FileLock, adopt as fileLock } from './file-lock/lock.js'
import { coreOf } from './handle.js'
import { Barrier } from './lock/barrier.js'
import { Condition } from './lock/condition.js'
import { Mutex } from './lock/mutex.js'
import { RwLock } from './lock/rw-lock.js'
import { PipeReader } from './pipe/reader.js'
import { PipeWriter } from './pipe/writer.js'
import { PosixMessageQueue, adopt as posixQueue } from './posix-queue/queue.js'
import { PosixSemaphore, handover as posixSemaphore } from './posix-semaphore/semaphore.js'
import { ProcessHandle, handover as processHandle } from './process/handle.js'
import { SharedMemory, handover as sharedMemory } from './shared-memory/memory.js'
import { SysvMessageQueue } from './sysv-queue/queue.js'
import { SysvSemaphoreSet } from './sysv-semaphore/set.js'
import { Topic, handover as topic } from './topic/topic.js'
import { UnixListener } from './unix-socket/listener.js'
import { UnixSocket } from './unix-socket/socket.js'

/** @typedef {import('./handle.js').Handle} Handle */
/** @typedef {{ kind: string, fds: number[], meta: Record<string, unknown> }} Parcel */

/**
 * @typedef {object} Row
 * @property {new (...parameters: any[]) => Handle} type
 * @property {boolean} moves whether this process's handle is closed once the other process has it
 * @property {(handle: any) => Omit<Parcel, 'kind'>} describe
 * @property {(parcel: Parcel) => Handle} rebuild takes ownership of the descriptors, unless it throws
 * @property {(handle: any) => void} [leave] it is about to go: the other process may have it at any moment
 * @property {(handle: any) => void} [stay] it did not go after all
 * @property {(handle: any) => void} [gone] in place of `close`, of a handle that moves
 */

/** @type {Array<[string, Row]>} */
const rows = [
  ['barrier', { type: Barrier, moves: false, describe: named, rebuild: ({ meta }) => open(Barrier, meta) }],
  ['condition', { type: Condition, moves: false, describe: named, rebuild: ({ meta }) => open(Condition, meta) }],
  [
    'file-lock',
    {
      // The file, and none of the locks on it: those stay with who holds them.
      type: FileLock,
      moves: false,
      describe: (lock) => ({ ...single(lock), meta: { path: lock.path } }),
      rebuild: ({ fds, meta }) => fileLock(fds[0], typeof meta.path === 'string' ? meta.path : null),
    },
  ],
  ['mutex', { type: Mutex, moves: false, describe: named, rebuild: ({ meta }) => open(Mutex, meta) }],
  ['pipe-reader', { type: PipeReader, moves: true, describe: single, rebuild: ({ fds }) => PipeReader.fromFd(fds[0]) }],
  ['pipe-writer', { type: PipeWriter, moves: true, describe: single, rebuild: ({ fds }) => PipeWriter.fromFd(fds[0]) }],
  [
    'posix-queue',
    {
      type: PosixMessageQueue,
      moves: false,
      describe: (queue) => ({ ...single(queue), meta: { name: queue.name } }),
      rebuild: ({ fds, meta }) => posixQueue(fds[0], typeof meta.name === 'string' ? meta.name : null),
    },
  ],
  ['posix-semaphore', { type: PosixSemaphore, moves: false, ...posixSemaphore }],
  ['process', { type: ProcessHandle, moves: false, ...processHandle }],
  ['rwlock', { type: RwLock, moves: false, describe: named, rebuild: ({ meta }) => open(RwLock, meta) }],
  ['shared-memory', { type: SharedMemory, moves: false, ...sharedMemory }],
  [
    'sysv-queue',
    {
      type: SysvMessageQueue,
      moves: false,
      describe: ({ id }) => ({ fds: [], meta: { id } }),
      rebuild: ({ meta }) => SysvMessageQueue.fromId(/** @type {number} */ (meta.id)),
    },
  ],
  [
    'sysv-semaphores',
    {
      type: SysvSemaphoreSet,
      moves: false,
      describe: ({ id }) => ({ fds: [], meta: { id } }),
      rebuild: ({ meta }) => SysvSemaphoreSet.fromId(/** @type {number} */ (meta.id)),
    },
  ],
  ['topic', { type: Topic, moves: false, ...topic }],
  [
    'unix-listener',
    { type: UnixListener, moves: false, describe: single, rebuild: ({ fds }) => UnixListener.fromFd(fds[0]) },
  ],
  [
    'unix-socket',
    { type: UnixSocket, moves: false, describe: single, rebuild: ({ fds }) => UnixSocket.fromFd(fds[0]) },
  ],
]

const table = new Map(rows)

/** What is found by its name alone; nothing of what is held travels. @param {Handle} handle */
function named(handle) {
  const { opened } = /** @type {any} */ (coreOf(handle))
  return { fds: [], meta: { ...opened } }
}

/**
 * @template {Handle} T
 * @param {{ open: (name: any, options: any) => T }} Type
 * @param {Record<string, unknown>} meta
 */
function open(Type, { name, ...options }) {
  return Type.open(name, options)
}

/**
 * For classes that hand things over themselves, and so cannot be known here.
 * @param {string} kind
 * @param {Row} row
 */
export function addRow(kind, row) {
  table.set(kind, row)
}

/** @param {Handle} handle */
function single(handle) {
  return { fds: [coreOf(handle).fd], meta: {} }
}

/**
 * What is to travel for `handle`, which stays as it is; what to do here right before it goes, once it has arrived, and
 * where it cannot go.
 * @param {unknown} handle
 * @returns {Parcel & { moves: boolean, check: () => void, leave: () => void, stay: () => void, handedOver: () => void }}
 */
export function parcelOf(handle, name = 'handle') {
  for (const [kind, row] of table) {
    if (!(handle instanceof row.type)) continue
    const core = coreOf(handle)
    core.check()
    return {
      kind,
      ...row.describe(handle),
      moves: row.moves,
      check: () => core.check(),
      leave: () => row.leave?.(handle),
      stay: () => row.stay?.(handle),
      handedOver() {
        if (row.gone !== undefined) row.gone(handle)
        else if (row.moves) core.close()
      },
    }
  }
  throw invalidType(name, 'a handle of os-ipc that can be handed over', handle)
}

/**
 * The handle that a parcel was made of, in the process that it was sent to.
 * @param {Parcel} parcel
 * @returns {Handle}
 */
export function rebuild(parcel) {
  const row = table.get(parcel.kind)
  if (row === undefined) throw notSupported(`This version of os-ipc knows no handles of the kind '${parcel.kind}'`)
  return row.rebuild(parcel)
}
