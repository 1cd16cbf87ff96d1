/**
 * Remote procedure calls beside what Node has (process.send), beside other packages and beside the bare channel.
 */
import { requirePackage } from '../lib/packages.js'
import { script } from '../lib/session.js'
import { percentile, sum } from '../lib/stats.js'

const MIB = 1024 * 1024
const ARGUMENT = 12 * MIB
/** Calls in one batch: 64 are under way at any time. */
const BATCH = 1024

const AWAITED = 'awaited'
const CHANNEL = 'Channel, send and recv'
const BY_HAND = 'process.send by hand'
const ADVANCED = 'process.send advanced'
const BIRPC = 'birpc over process.send'

/** @typedef {import('../lib/group.js').Group} Group @typedef {import('../lib/group.js').Contender} Contender */

/** @param {import('../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  return [oneAtATime(settings), manyAtOnce(settings), argument()]
}

/** @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function oneAtATime(settings) {
  const job = ['round-trip', 0, 1]
  const p50 = 'call p50'
  return {
    name: 'rpc, one call at a time',
    size: 'no params',
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'call p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ours('rpc, call', AWAITED, [...job, 'rpc']),
      ours('rpc, callSync', 'sync, parked in poll', [...job, 'sync']),
      ours('rpc, stream socket', AWAITED, [...job, 'stream']),
      ours('rpc, seqpacket socket', AWAITED, [...job, 'seqpacket']),
      peer(CHANNEL, [...job, 'channel']),
      peer(BY_HAND, [...job, 'json']),
      packaged(BIRPC, 'birpc', job, settings),
      packaged('node-ipc', 'node-ipc', job, settings),
      packaged('zeromq REQ/REP', 'zeromq', job, settings),
      packaged('HTTP by undici', 'undici', job, settings),
    ],
    targets: [
      { figure: p50, ours: 'rpc, call', peer: CHANNEL, than: '<=', ratio: 1.2 },
      { figure: p50, ours: 'rpc, callSync', peer: CHANNEL, than: '<=', ratio: 1.3 },
    ],
  }
}

/** @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function manyAtOnce(settings) {
  const job = ['throughput', 0, BATCH]
  const figure = 'calls, 64 under way'
  return {
    name: 'rpc, 64 calls under way',
    size: 'no params',
    pinning: 'a CPU each',
    metrics: [{ figure, unit: '1/s', of: ({ ns }) => (ns.length * BATCH * 1e9) / sum(ns) }],
    contenders: [
      ours('rpc, call', AWAITED, [...job, 'rpc']),
      ours('rpc, stream socket', AWAITED, [...job, 'stream']),
      ours('rpc, seqpacket socket', AWAITED, [...job, 'seqpacket']),
      peer(BY_HAND, [...job, 'json']),
      packaged(BIRPC, 'birpc', job, settings),
      packaged('node-ipc', 'node-ipc', job, settings),
      packaged('HTTP by undici', 'undici', job, settings),
    ],
    targets: [{ figure, ours: 'rpc, call', peer: BIRPC, than: '>=', ratio: 8 }],
  }
}

/** @returns {Group} */
function argument() {
  const job = ['round-trip', ARGUMENT, 1]
  const figure = 'call p50'
  return {
    name: 'rpc, a typed array as argument',
    size: '12 MiB',
    pinning: 'a CPU each',
    metrics: [{ figure, unit: 'ms', of: ({ ns }) => percentile(ns, 0.5) / 1e6 }],
    contenders: [
      ours('rpc, structured', AWAITED, [...job, 'structured']),
      ours('rpc, shared memory attached before', AWAITED, [...job, 'attached']),
      peer(ADVANCED, [...job, 'advanced']),
    ],
    targets: [
      { figure, ours: 'rpc, structured', peer: ADVANCED, than: '<=', ratio: 1 / 10 },
      { figure, ours: 'rpc, shared memory attached before', peer: ADVANCED, than: '<=', ratio: 1 / 300 },
    ],
  }
}

/** @param {string} name @param {string} waits @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('rpc-near.js', ...args) }
}

/** @param {string} name @param {Array<string | number>} args @returns {Contender} */
function peer(name, args) {
  return { name, waits: 'events of the loop', command: () => script('rpc-near.js', ...args) }
}

/**
 * @param {string} name
 * @param {string} module
 * @param {Array<string | number>} job
 * @param {import('../lib/settings.js').Settings} settings
 * @returns {Contender}
 */
function packaged(name, module, job, { quick }) {
  return {
    name,
    waits: 'events of the loop',
    command() {
      requirePackage(module, { install: !quick })
      return script('rpc-near.js', ...job, module)
    },
  }
}
