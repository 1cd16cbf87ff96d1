/**
 * Pipes, FIFOs and pipeline() beside what Node has (child stdio, process.send, net.Socket), beside other packages
 * and beside C programs on pipes of the same capacity.
 */
import { compile } from '../lib/compile.js'
import { requirePackage } from '../lib/packages.js'
import { script } from '../lib/session.js'
import { median, percentile, sum } from '../lib/stats.js'

const KIB = 1024
const MIB = 1024 * 1024
const SMALL = 64 * KIB
/** See c/pipe_throughput.c. */
const PIECE = 8 * KIB
const sizes = [64, KIB, 64 * KIB, MIB]
/** Messages up to one acknowledgement: so many that its round trip does not show. */
const batches = new Map([
  [64, 10_000],
  [KIB, 10_000],
  [64 * KIB, 1_000],
  [MIB, 64],
])

/** @typedef {import('../lib/group.js').Group} Group @typedef {import('../lib/group.js').Contender} Contender */

/** @param {import('../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  const chosen = settings.quick ? [64, MIB] : sizes
  return [
    ...chosen.map((size) => roundTrip(size, settings)),
    ...chosen.map((size) => throughput(size, settings)),
    local(),
    ...(settings.quick ? [cats(1, 'one CPU')] : [cats(1, 'one CPU'), cats(1, 'not pinned'), cats(8, 'not pinned')]),
  ]
}

/** @param {number} size @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function roundTrip(size, settings) {
  const job = ['round-trip', size, 1]
  const p50 = 'round trip p50'
  const awaited = 'pipe, recv'
  return {
    name: `round trip ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ours(awaited, 'awaited', [...job, 'pipe', 'recv', SMALL]),
      ours('pipe, recvInto', 'awaited', [...job, 'pipe', 'into', SMALL]),
      ours('fifo, recv', 'awaited', [...job, 'fifo', 'recv', SMALL]),
      ours('fifo, recvInto', 'awaited', [...job, 'fifo', 'into', SMALL]),
      ours('pipe, recvSync', 'sync, parked in the kernel', [...job, 'pipe', 'sync', SMALL]),
      ours('fifo, recvSync', 'sync, parked in the kernel', [...job, 'fifo', 'sync', SMALL]),
      // What a message that fits into the pipe saves: neither side has to wait in the middle of it.
      ...(size > SMALL ? [ours('pipe 1 MiB, recvInto', 'awaited', [...job, 'pipe', 'into', MIB])] : []),
      ...nodesOwn(job),
      ...(size === 64 ? packages(job, settings) : []),
      program('C pipe', 'pipe_round_trip', [SMALL, size]),
    ],
    targets:
      size === 64
        ? [
            { figure: p50, ours: awaited, peer: 'child stdio', than: '<=', ratio: 0.8 },
            { figure: p50, ours: awaited, peer: 'net.Socket, framed', than: '<=', ratio: 0.8 },
          ]
        : [],
  }
}

/** @param {number} size @param {import('../lib/settings.js').Settings} settings @returns {Group} */
function throughput(size, settings) {
  const batch = batches.get(size) ?? 1
  const job = ['throughput', size, batch]
  const whole = Math.max(size, SMALL)
  const figure = 'throughput'
  const seconds = (/** @type {number[]} */ ns) => sum(ns) / 1e9
  const metric =
    size < 64 * KIB
      ? { figure, unit: 'messages/s', of: (/** @type {any} */ { ns }) => (ns.length * batch) / seconds(ns) }
      : { figure, unit: 'GB/s', of: (/** @type {any} */ { ns }) => (ns.length * batch * size) / seconds(ns) / 1e9 }
  return {
    name: `throughput ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'a CPU each',
    metrics: [metric],
    contenders: [
      ours('pipe 64 KiB, recv', 'awaited', [...job, 'pipe', 'recv', SMALL]),
      ours('pipe 64 KiB, recvInto', 'awaited', [...job, 'pipe', 'into', SMALL]),
      ours('pipe 1 MiB, recv', 'awaited', [...job, 'pipe', 'recv', MIB]),
      ours('pipe 1 MiB, recvInto', 'awaited', [...job, 'pipe', 'into', MIB]),
      ours('fifo 64 KiB, recv', 'awaited', [...job, 'fifo', 'recv', SMALL]),
      ours('fifo 64 KiB, recvInto', 'awaited', [...job, 'fifo', 'into', SMALL]),
      ours('pipe 64 KiB, recvSync', 'sync, parked in the kernel', [...job, 'pipe', 'sync', SMALL]),
      ours('pipe 1 MiB, recvSync', 'sync, parked in the kernel', [...job, 'pipe', 'sync', MIB]),
      ...nodesOwn(job),
      ...(size === 64 ? packages(job, settings) : []),
      program('C pipe 64 KiB', 'pipe_throughput', [SMALL, size, batch, whole]),
      program('C pipe 1 MiB', 'pipe_throughput', [MIB, size, batch, whole]),
      ...(size > PIECE ? inPieces(size, batch) : []),
    ],
    targets:
      size === MIB
        ? [
            { figure, ours: 'pipe 64 KiB, recvInto', peer: 'C pipe 64 KiB', than: '>=', ratio: 0.8 },
            { figure, ours: 'pipe 1 MiB, recvInto', peer: 'C pipe 1 MiB', than: '>=', ratio: 0.8 },
            { figure, ours: 'pipe 1 MiB, recvInto', peer: 'child stdio', than: '>=', ratio: 2 },
          ]
        : [],
  }
}

/** @param {number} size @param {number} batch @returns {Contender[]} */
function inPieces(size, batch) {
  return [
    program('C pipe 64 KiB, in pieces of 8 KiB', 'pipe_throughput', [SMALL, size, batch, PIECE]),
    program('C pipe 1 MiB, in pieces of 8 KiB', 'pipe_throughput', [MIB, size, batch, PIECE]),
  ]
}

/** @returns {Group} */
function local() {
  const batch = 500
  return {
    name: 'local cost 64 B',
    size: '64 B',
    pinning: 'one CPU',
    metrics: [{ figure: 'send and receive in one process', unit: 'ns', of: ({ ns }) => median(ns) / batch }],
    contenders: [
      { ...local_('pipe, trySend and tryRecv', 'os-ipc'), ours: true },
      local_('fs.writeSync and readSync', 'fs'),
      program('C write and read', 'pipe_local', [64, batch], 'nobody waits'),
    ],
    targets: [],
  }

  /** @param {string} name @param {string} form @returns {Contender} */
  function local_(name, form) {
    return { name, waits: 'nobody waits', command: () => script('local-near.js', 'local', 64, batch, form) }
  }
}

/** @param {number} times how often the node binary goes through @param {import('../lib/pin.js').PinningName} pinning @returns {Group} */
function cats(times, pinning) {
  const wall = 'two cats, wall time'
  const cpu = 'two cats, CPU time of Node'
  const file = process.execPath
  /** @param {string} name @param {string} form @returns {Contender} */
  const line = (name, form) => ({ name, waits: 'awaited', command: () => script('cats-near.js', form, file, times) })
  return {
    name: `two cats, the node binary x ${times}, ${pinning}`,
    size: `node binary x ${times}`,
    pinning,
    maxCount: 4,
    metrics: [
      { figure: wall, unit: 'ms', of: ({ ns }) => median(ns) / 1e6 },
      { figure: cpu, unit: 'ms', of: ({ cpuUs = [] }) => median(cpuUs) / 1000 },
    ],
    contenders: [
      { ...line('pipeline()', 'pipeline'), ours: true },
      line("sh -c 'cat FILES | cat'", 'sh'),
      line('a.stdout.pipe(b.stdin)', 'streams'),
    ],
    targets: [
      { figure: wall, ours: 'pipeline()', peer: "sh -c 'cat FILES | cat'", than: '<=', ratio: 1.05 },
      // Starting two processes costs milliseconds, whoever moves the data: only with more data can it be 1 %.
      ...(times > 1 ? [cpuTarget(cpu)] : []),
    ],
  }
}

/** @param {string} figure @returns {import('../lib/group.js').Target} */
function cpuTarget(figure) {
  return { figure, ours: 'pipeline()', peer: 'a.stdout.pipe(b.stdin)', than: '<', ratio: 0.01 }
}

/** @param {string} name @param {string} waits @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('pipe-near.js', ...args) }
}

/** @param {Array<string | number>} job @returns {Contender[]} */
function nodesOwn(job) {
  const waits = 'events of the loop'
  return [
    { name: 'child stdio', waits, command: () => script('stdio-near.js', ...job) },
    { name: 'net.Socket, framed', waits, command: () => script('socket-near.js', ...job) },
    { name: 'process.send json', waits, command: () => script('process-send-near.js', ...job, 'json') },
    { name: 'process.send advanced', waits, command: () => script('process-send-near.js', ...job, 'advanced') },
  ]
}

/** @param {Array<string | number>} job @param {import('../lib/settings.js').Settings} settings @returns {Contender[]} */
function packages(job, { quick }) {
  /** @param {string} name @param {string} waits @returns {Contender} */
  const from = (name, waits) => ({
    name,
    waits,
    command() {
      requirePackage(name, { install: !quick })
      return script(`${name}-near.js`, ...job)
    },
  })
  return [from('zeromq', 'awaited'), from('node-ipc', 'events of the loop')]
}

/** @param {string} name @param {string} source @param {number[]} args @returns {Contender} */
function program(name, source, args, waits = 'parked in read') {
  return { name, waits, command: () => [compile(source), ...args.map(String)] }
}

/** @param {number} bytes */
function sizeText(bytes) {
  if (bytes >= MIB) return `${bytes / MIB} MiB`
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
