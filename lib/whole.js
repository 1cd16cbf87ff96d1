/**
 * What dist/os-ipc.cjs is made of: what the package exports, and what else the processes of a pool, tests and the benchmark
 * use. They have to take it from there: a second copy of a module would have its own state, and not know what the first
 * has opened.
 */
import * as patience from './channel/patience.js'
import * as spin from './channel/spin.js'
import * as handle from './handle.js'
import * as handover from './handover.js'
import * as processHandle from './process/handle.js'
import * as registry from './registry.js'
import * as accepting from './rpc/accepting.js'
import * as serverCore from './rpc/server-core.js'
import * as environment from './spawn/environment.js'

export * from './index.js'

/** Modules by their paths. */
export const inside = {
  'channel/patience.js': patience,
  'channel/spin.js': spin,
  'handle.js': handle,
  'handover.js': handover,
  'process/handle.js': processHandle,
  'registry.js': registry,
  'rpc/accepting.js': accepting,
  'rpc/server-core.js': serverCore,
  'spawn/environment.js': environment,
}
