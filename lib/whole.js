/**
 * What dist/os-ipc.js is made of: what the package exports, and what else its own other files (the command line, the
 * workers of pools) and its tests use. They have to take it from there: a second copy of a module would have its
 * own state, and not know what the first has opened.
 */
import * as channelLayout from './channel/layout.js'
import * as handle from './handle.js'
import * as handover from './handover.js'
import * as listLimits from './list/limits.js'
import * as listList from './list/list.js'
import * as listProc from './list/proc.js'
import * as processHandle from './process/handle.js'
import * as registry from './registry.js'
import * as rpcAccepting from './rpc/accepting.js'
import * as rpcServerCore from './rpc/server-core.js'
import * as spawnEnvironment from './spawn/environment.js'
import * as workerPoolNames from './worker-pool/names.js'

export * from './index.js'

/** Modules by their paths. */
export const inside = {
  'channel/layout.js': channelLayout,
  'handle.js': handle,
  'handover.js': handover,
  'list/limits.js': listLimits,
  'list/list.js': listList,
  'list/proc.js': listProc,
  'process/handle.js': processHandle,
  'registry.js': registry,
  'rpc/accepting.js': rpcAccepting,
  'rpc/server-core.js': rpcServerCore,
  'spawn/environment.js': spawnEnvironment,
  'worker-pool/names.js': workerPoolNames,
}
