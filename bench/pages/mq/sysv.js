/**
 * System V message queues.
 */
import { compile } from '../../lib/compile.js'
import { requirePackage } from '../../lib/packages.js'
import { script } from '../../lib/session.js'
import { median, percentile, sum } from '../../lib/stats.js'

const KIB = 1024
const sizes = [64, KIB, 8 * KIB]
/** Messages up to one acknowledgement: so many that its round trip does not show. */
const BATCH = 5_000
/** svmq receives no more. */
const SVMQ_LARGEST = 4_052
const AWAITED = 'awaited'
const SYNC = 'sync, parked in msgrcv'
const [awaited, sync, peer, svmq] = ['System V queue, recv', 'System V queue, recvSync', 'C System V queue', 'svmq']

/** @typedef {import('../../lib/group.js').Group} Group @typedef {import('../../lib/group.js').Contender} Contender */

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  const chosen = settings.quick ? [64] : sizes
  return [
    ...chosen.map((size) => roundTrip(size, settings)),
    ...chosen.map((size) => throughput(size, settings)),
    local(),
  ]
}

/** @param {number} size @param {import('../../lib/settings.js').Settings} settings @returns {Group} */
function roundTrip(size, settings) {
  const job = ['round-trip', size, 1]
  const p50 = 'round trip p50'
  return {
    name: `System V queue, round trip ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ours(awaited, AWAITED, [...job, 'recv']),
      ours(sync, SYNC, [...job, 'sync']),
      program(peer, 'sysv_queue_round_trip', [size]),
      ...packages(job, size, settings),
      processSend(job),
    ],
    targets: size === 64 ? [{ figure: p50, ours: sync, peer, than: '<=', ratio: 1.6 }] : [],
  }
}

/** @param {number} size @param {import('../../lib/settings.js').Settings} settings @returns {Group} */
function throughput(size, settings) {
  const job = ['throughput', size, BATCH]
  const figure = 'throughput'
  return {
    name: `System V queue, throughput ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'a CPU each',
    metrics: [{ figure, unit: 'messages/s', of: ({ ns }) => (ns.length * BATCH * 1e9) / sum(ns) }],
    contenders: [
      ours(awaited, AWAITED, [...job, 'recv']),
      ours(sync, SYNC, [...job, 'sync']),
      program(peer, 'sysv_queue_throughput', [size, BATCH]),
      ...packages(job, size, settings),
      processSend(job),
    ],
    targets: [
      { figure, ours: awaited, peer, than: '>=', ratio: 0.6 },
      { figure, ours: sync, peer, than: '>=', ratio: 0.6 },
      { figure, ours: awaited, peer: svmq, than: '>=', ratio: 10 },
    ],
  }
}

/** @returns {Group} */
function local() {
  const batch = 500
  return {
    name: 'System V queue, local cost 64 B',
    size: '64 B',
    pinning: 'one CPU',
    metrics: [{ figure: 'send and receive in one process', unit: 'ns', of: ({ ns }) => median(ns) / batch }],
    contenders: [
      {
        name: 'System V queue, trySend and tryRecv',
        waits: 'nobody waits',
        ours: true,
        command: () => script('sysv-queue-local-near.js', 'local', 64, batch),
      },
      program('C msgsnd and msgrcv', 'sysv_queue_local', [64, batch], 'nobody waits'),
    ],
    targets: [],
  }
}

/** @param {string} name @param {string} waits @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('sysv-queue-near.js', ...args) }
}

/** @param {Array<string | number>} job @param {number} size @param {import('../../lib/settings.js').Settings} settings @returns {Contender[]} */
function packages(job, size, { quick }) {
  if (size > SVMQ_LARGEST) return []
  /** @returns {string[]} */
  const command = () => {
    requirePackage(svmq, { install: !quick })
    return script('svmq-near.js', ...job)
  }
  return [{ name: svmq, waits: "awaited, a thread of libuv's in msgrcv", command }]
}

/** @param {Array<string | number>} job @returns {Contender} */
function processSend(job) {
  const command = () => script('process-send-near.js', ...job, 'advanced')
  return { name: 'process.send advanced', waits: 'events of the loop', command }
}

/** @param {string} name @param {string} source @param {number[]} args @returns {Contender} */
function program(name, source, args, waits = 'parked in msgrcv') {
  return { name, waits, command: () => [compile(source), ...args.map(String)] }
}

/** @param {number} bytes */
function sizeText(bytes) {
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
