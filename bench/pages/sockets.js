/**
 * Unix sockets beside what Node has (net.Socket), beside other packages and beside C programs on sockets of the same kind.
 */
import { compile } from '../lib/compile.js'
import { requirePackage } from '../lib/packages.js'
import { script } from '../lib/session.js'
import { percentile, sum } from '../lib/stats.js'

const KIB = 1024
const MIB = 1024 * 1024
const sizes = [64, KIB, 64 * KIB, MIB]
/** Messages up to one acknowledgement: so many that its round trip does not show. */
const batches = new Map([
  [64, 10_000],
  [KIB, 10_000],
  [64 * KIB, 1_000],
  [MIB, 64],
])
/** The longest message that fits into a socket of the usual size is shorter than 1 MiB. */
const LARGEST_MESSAGE = 64 * KIB
const AWAITED = 'awaited'
const SYNC = 'sync, parked in poll'
const MANY = 'awaited, many by one call'
const NET = 'net.Socket, framed'

/** @typedef {import('../lib/group.js').Group} Group @typedef {import('../lib/group.js').Contender} Contender */

/** @param {import('../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  const chosen = settings.quick ? [64, MIB] : sizes
  return [
    ...chosen.map((size) => roundTrip(size, settings)),
    ...chosen.map((size) => throughput(size, settings)),
    descriptors(),
  ]
}

/** @param {number} size @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function roundTrip(size, settings) {
  const job = ['round-trip', size, 1]
  const p50 = 'round trip p50'
  const messages = size <= LARGEST_MESSAGE
  const awaited = 'seqpacket, recv'
  return {
    name: `sockets, round trip ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ...(messages
        ? [
            ours(awaited, AWAITED, [...job, 'seqpacket', 'recv']),
            ours('seqpacket, recvSync', SYNC, [...job, 'seqpacket', 'sync']),
            endpoint(job),
          ]
        : []),
      ours('stream, recv', AWAITED, [...job, 'stream', 'recv']),
      net(job),
      ...(size <= KIB ? packages(job, settings) : []),
      ...(messages ? [program('C seqpacket', 'unix_socket_round_trip', ['seqpacket', size])] : []),
      program('C stream', 'unix_socket_round_trip', ['stream', size]),
    ],
    targets: messages
      ? [
          { figure: p50, ours: awaited, peer: NET, than: '<=', ratio: 1 },
          { figure: p50, ours: 'stream, recv', peer: NET, than: '<=', ratio: 1 },
        ]
      : [{ figure: p50, ours: 'stream, recv', peer: NET, than: '<=', ratio: 1 }],
  }
}

/** @param {number} size @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function throughput(size, settings) {
  const batch = batches.get(size) ?? 1
  const job = ['throughput', size, batch]
  const figure = 'throughput'
  const seconds = (/** @type {number[]} */ ns) => sum(ns) / 1e9
  const metric =
    size < 64 * KIB
      ? { figure, unit: 'messages/s', of: (/** @type {any} */ { ns }) => (ns.length * batch) / seconds(ns) }
      : { figure, unit: 'GB/s', of: (/** @type {any} */ { ns }) => (ns.length * batch * size) / seconds(ns) / 1e9 }
  const messages = size <= LARGEST_MESSAGE
  return {
    name: `sockets, throughput ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'a CPU each',
    metrics: [metric],
    contenders: [
      ...(messages
        ? [
            ours('seqpacket, recv', AWAITED, [...job, 'seqpacket', 'recv']),
            ours('seqpacket, recvMany', MANY, [...job, 'seqpacket', 'many']),
            ours('datagram, recvMany', MANY, [...job, 'datagram', 'many']),
            ours('seqpacket, recvSync', SYNC, [...job, 'seqpacket', 'sync']),
            endpoint(job),
          ]
        : []),
      ours('stream, recv', AWAITED, [...job, 'stream', 'recv']),
      ours('stream, recv of 1 MiB', AWAITED, [...job, 'stream', 'large']),
      ours('stream, recvInto', AWAITED, [...job, 'stream', 'into']),
      net(job),
      ...(size <= KIB ? packages(job, settings) : []),
      ...(messages
        ? [
            program('C seqpacket', 'unix_socket_throughput', ['seqpacket', size, batch, 'one']),
            program('C seqpacket, mmsg', 'unix_socket_throughput', ['seqpacket', size, batch, 'many']),
          ]
        : []),
      program('C stream', 'unix_socket_throughput', ['stream', size, batch, 'one']),
    ],
    targets: [
      ...(size <= KIB
        ? [
            target('seqpacket, recvMany', 'C seqpacket', 0.7),
            target('seqpacket, recvMany', 'node-unix-socket', 7),
            target('seqpacket, recvMany', NET, 1.03),
          ]
        : []),
      ...(size === MIB ? [target('stream, recvInto', NET, 2)] : []),
    ],
  }

  /** @param {string} own @param {string} peer @param {number} ratio @returns {import('../lib/group.js').Target} */
  function target(own, peer, ratio) {
    return { figure, ours: own, peer, than: '>=', ratio }
  }
}

/** @returns {Group} */
function descriptors() {
  const batch = 1_000
  const figure = 'descriptors passed'
  const own = 'seqpacket, fds'
  return {
    name: 'sockets, descriptors',
    size: '64 B and a descriptor',
    pinning: 'a CPU each',
    metrics: [{ figure, unit: '1/s', of: ({ ns }) => (ns.length * batch * 1e9) / sum(ns) }],
    contenders: [ours(own, 'awaited, each closed', ['throughput', 64, batch, 'seqpacket', 'fds'])],
    targets: [{ figure, ours: own, peer: '', than: '>=', value: 10_000 }],
  }
}

/** @param {string} name @param {string} waits @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('unix-socket-near.js', ...args) }
}

/** @param {Array<string | number>} job @returns {Contender} */
function endpoint(job) {
  return { name: 'Endpoint', waits: AWAITED, ours: true, command: () => script('endpoint-near.js', ...job) }
}

/** @param {Array<string | number>} job @returns {Contender} */
function net(job) {
  return { name: NET, waits: 'events of the loop', command: () => script('socket-near.js', ...job) }
}

/** @param {Array<string | number>} job @param {import('../lib/settings.js').Settings} settings @returns {Contender[]} */
function packages(job, { quick }) {
  return ['node-unix-socket', 'unix-dgram'].map((name) => ({
    name,
    waits: 'events of the loop',
    command() {
      requirePackage(name, { install: !quick })
      return script(`${name}-near.js`, ...job)
    },
  }))
}

/** @param {string} name @param {string} source @param {Array<string | number>} args @returns {Contender} */
function program(name, source, args) {
  return { name, waits: 'parked in read', command: () => [compile(source), ...args.map(String)] }
}

/** @param {number} bytes */
function sizeText(bytes) {
  if (bytes >= MIB) return `${bytes / MIB} MiB`
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
