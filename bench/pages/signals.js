/**
 * Signals: realtime ones with values, from a C program to a receiver of ours and to sigwaitinfo.
 */
import { compile } from '../lib/compile.js'
import { script } from '../lib/session.js'
import { percentile, sum } from '../lib/stats.js'

/** Signals that are asked for at once: so many that the asking does not show, and the kernel's queue has room. */
const BATCH = 5_000
const [awaited, sync, program] = ['signals, recv', 'signals, recvSync', 'C sigqueue and sigwaitinfo']

/** @typedef {import('../lib/group.js').Contender} Contender */

/** @returns {import('../lib/group.js').Group[]} */
export function groups() {
  const [p50, rate] = ['round trip p50', 'throughput']
  return [
    {
      name: 'realtime signals, round trip',
      size: 'a value',
      pinning: 'one CPU',
      metrics: [
        { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
        { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
      ],
      contenders: contenders(1),
      targets: [],
    },
    {
      name: 'realtime signals, one way',
      size: 'a value',
      pinning: 'a CPU each',
      metrics: [{ figure: rate, unit: 'messages/s', of: ({ ns }) => (ns.length * BATCH * 1e9) / sum(ns) }],
      contenders: contenders(BATCH),
      targets: [awaited, sync].map((ours) => ({ figure: rate, ours, peer: program, than: '>=', ratio: 0.4 })),
    },
  ]
}

/** @param {number} batch @returns {Contender[]} */
function contenders(batch) {
  /** @param {string} form */
  const ours = (form) => () => script('signals-near.js', compile('signals'), form, batch)
  return [
    { name: awaited, waits: 'awaited, parked in the event loop', ours: true, command: ours('recv') },
    { name: sync, waits: 'sync, parked in poll', ours: true, command: ours('sync') },
    { name: program, waits: 'parked in sigwaitinfo', command: () => [compile('signals'), String(batch)] },
  ]
}
