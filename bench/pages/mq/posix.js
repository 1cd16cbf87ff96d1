/**
 * POSIX message queues.
 */
import { compile } from '../../lib/compile.js'
import { script } from '../../lib/session.js'
import { median, percentile, sum } from '../../lib/stats.js'

const KIB = 1024
const sizes = [64, KIB, 8 * KIB]
/** Messages up to one acknowledgement: so many that its round trip does not show. */
const BATCH = 5_000
/** The most that an ordinary user's queue holds. */
const MESSAGES = 10
const AWAITED = 'awaited'
const SYNC = 'sync, parked in mq_receive'

/** @typedef {import('../../lib/group.js').Group} Group @typedef {import('../../lib/group.js').Contender} Contender */

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  const chosen = settings.quick ? [64] : sizes
  return [...chosen.map(roundTrip), ...chosen.map(throughput), local()]
}

/** @param {number} size @returns {Group} */
function roundTrip(size) {
  const job = ['round-trip', size, 1]
  const p50 = 'round trip p50'
  const [awaited, sync, peer] = ['POSIX queue, recv', 'POSIX queue, recvSync', 'C POSIX queue']
  return {
    name: `POSIX queue, round trip ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ours(awaited, AWAITED, [...job, 'recv', 1]),
      ours(sync, SYNC, [...job, 'sync', 1]),
      program(peer, 'posix_queue_round_trip', [size]),
      processSend(job),
    ],
    targets:
      size === 64
        ? [
            { figure: p50, ours: sync, peer, than: '<=', ratio: 1.6 },
            { figure: p50, ours: awaited, peer, than: '<=', ratio: 2.8 },
          ]
        : [],
  }
}

/** @param {number} size @returns {Group} */
function throughput(size) {
  const job = ['throughput', size, BATCH]
  const figure = 'throughput'
  const [awaited, sync, peer] = ['POSIX queue, recv', 'POSIX queue, recvSync', 'C POSIX queue']
  return {
    name: `POSIX queue, throughput ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'a CPU each',
    metrics: [{ figure, unit: 'messages/s', of: ({ ns }) => (ns.length * BATCH * 1e9) / sum(ns) }],
    contenders: [
      ours(awaited, AWAITED, [...job, 'recv', MESSAGES]),
      ours(sync, SYNC, [...job, 'sync', MESSAGES]),
      program(peer, 'posix_queue_throughput', [size, BATCH, MESSAGES]),
      processSend(job),
    ],
    targets: [
      { figure, ours: awaited, peer, than: '>=', ratio: 0.6 },
      { figure, ours: sync, peer, than: '>=', ratio: 0.6 },
    ],
  }
}

/** @returns {Group} */
function local() {
  const batch = 500
  return {
    name: 'POSIX queue, local cost 64 B',
    size: '64 B',
    pinning: 'one CPU',
    metrics: [{ figure: 'send and receive in one process', unit: 'ns', of: ({ ns }) => median(ns) / batch }],
    contenders: [
      {
        name: 'POSIX queue, trySend and tryRecv',
        waits: 'nobody waits',
        ours: true,
        command: () => script('posix-queue-local-near.js', 'local', 64, batch),
      },
      program('C mq_send and mq_receive', 'posix_queue_local', [64, batch], 'nobody waits'),
    ],
    targets: [],
  }
}

/** @param {string} name @param {string} waits @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('posix-queue-near.js', ...args) }
}

/** @param {Array<string | number>} job @returns {Contender} */
function processSend(job) {
  const command = () => script('process-send-near.js', ...job, 'advanced')
  return { name: 'process.send advanced', waits: 'events of the loop', command }
}

/** @param {string} name @param {string} source @param {number[]} args @returns {Contender} */
function program(name, source, args, waits = 'parked in mq_receive') {
  return { name, waits, command: () => [compile(source), ...args.map(String)] }
}

/** @param {number} bytes */
function sizeText(bytes) {
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
