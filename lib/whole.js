/**
 * What dist/os-ipc.js is made of: what the package exports, and what its own other files (the command line, the workers
 * of pools) and its tests use of the inside. They have to take it from there: a second copy of a module would have its
 * own state, and not know what the first has opened.
 */
import * as channelLayout from './channel/layout.js'
import * as handle from './handle.js'
import * as handover from './handover.js'
import * as listCleanup from './list/cleanup.js'
import * as listLimits from './list/limits.js'
import * as listList from './list/list.js'
import * as listProc from './list/proc.js'
import * as barrier from './lock/barrier.js'
import * as condition from './lock/condition.js'
import * as mutex from './lock/mutex.js'
import * as rwLock from './lock/rw-lock.js'
import * as posixQueue from './posix-queue/queue.js'
import * as posixSemaphore from './posix-semaphore/semaphore.js'
import * as processHandle from './process/handle.js'
import * as registry from './registry.js'
import * as rpcAccepting from './rpc/accepting.js'
import * as rpcServerCore from './rpc/server-core.js'
import * as sharedMemory from './shared-memory/memory.js'
import * as spawnEnvironment from './spawn/environment.js'
import * as sysvQueue from './sysv-queue/queue.js'
import * as sysvSemaphore from './sysv-semaphore/set.js'
import * as workerPoolNames from './worker-pool/names.js'

export * from './index.js'

/** Modules by their paths. */
export const inside = {
  'channel/layout.js': channelLayout,
  'handle.js': handle,
  'handover.js': handover,
  'list/cleanup.js': listCleanup,
  'list/limits.js': listLimits,
  'list/list.js': listList,
  'list/proc.js': listProc,
  'lock/barrier.js': barrier,
  'lock/condition.js': condition,
  'lock/mutex.js': mutex,
  'lock/rw-lock.js': rwLock,
  'posix-queue/queue.js': posixQueue,
  'posix-semaphore/semaphore.js': posixSemaphore,
  'process/handle.js': processHandle,
  'registry.js': registry,
  'rpc/accepting.js': rpcAccepting,
  'rpc/server-core.js': rpcServerCore,
  'shared-memory/memory.js': sharedMemory,
  'spawn/environment.js': spawnEnvironment,
  'sysv-queue/queue.js': sysvQueue,
  'sysv-semaphore/set.js': sysvSemaphore,
  'worker-pool/names.js': workerPoolNames,
}
