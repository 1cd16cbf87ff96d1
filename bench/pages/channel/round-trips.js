/**
 * A message there and one back.
 */
import { percentile } from '../../lib/stats.js'
import { NET, nodesOwn, ours, packages, program } from './contenders.js'

/** @typedef {import('../../lib/group.js').Group} Group */

const size = 64
const job = ['round-trip', size, 1]
const p50 = 'round trip p50'
const p99 = 'round trip p99'
const metrics = [
  { figure: p50, unit: 'µs', of: (/** @type {any} */ { ns }) => percentile(ns, 0.5) / 1000 },
  { figure: p99, unit: 'µs', of: (/** @type {any} */ { ns }) => percentile(ns, 0.99) / 1000 },
]
const awaited = ours('channel, recv', 'awaited', [...job, 'recv'])
const [PARKED, SPINNING] = ['C futex', 'C ring']

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  return [oneCpu(settings), apart(), ...(settings.quick ? [] : [unpinned()]), spin()]
}

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group} */
function oneCpu(settings) {
  const sync = 'channel, recvSync'
  return {
    name: 'channel, round trip 64 B',
    size: '64 B',
    pinning: 'one CPU',
    metrics,
    contenders: [
      awaited,
      ours(sync, 'sync, spinning while that pays', [...job, 'sync']),
      ...nodesOwn(job),
      ...packages(job, settings).filter(({ name }) => name !== 'shm-typed-array'),
      program(PARKED, 'parked in futex', 'shm_round_trip', []),
    ],
    targets: [
      { figure: p50, ours: awaited.name, peer: PARKED, than: '<=', ratio: 2.5 },
      { figure: p50, ours: awaited.name, peer: NET, than: '<=', ratio: 0.6 },
      { figure: p99, ours: awaited.name, peer: NET, than: '<=', ratio: 0.1 },
      { figure: p50, ours: sync, peer: PARKED, than: '<=', ratio: 1.3 },
    ],
  }
}

/** @returns {Group} */
function apart() {
  const sync = 'channel, recvSync'
  return {
    name: 'channel, round trip 64 B, spinning',
    size: '64 B',
    pinning: 'a CPU each',
    metrics,
    contenders: [
      ours(sync, 'sync, spinning while that pays', [...job, 'sync']),
      ours('channel, recv', 'awaited, polling while that pays', [...job, 'recv']),
      program(SPINNING, 'spinning', 'ring_round_trip', [size]),
    ],
    targets: [{ figure: p50, ours: sync, peer: SPINNING, than: '<=', ratio: 2 }],
  }
}

/** @returns {Group} */
function unpinned() {
  return {
    name: 'channel, round trip 64 B, not pinned',
    size: '64 B',
    pinning: 'not pinned',
    metrics,
    contenders: [
      awaited,
      ours('channel, recvSync', 'sync, spinning while that pays', [...job, 'sync']),
      ...nodesOwn(job),
      program(PARKED, 'parked in futex', 'shm_round_trip', []),
    ],
    targets: [],
  }
}

/** Both on one CPU, where looking before going to sleep is in vain. @returns {Group} */
function spin() {
  const [tries, never] = ['channel, recvSync that may spin', 'channel, recvSync that never spins']
  return {
    name: 'channel, spinning in vain',
    size: '64 B',
    pinning: 'one CPU',
    metrics,
    contenders: [
      ours(tries, 'sync', [...job, 'sync']),
      { ...ours(never, 'sync, parked in poll', [...job, 'sync', 'bytes', 0, 'never']), ours: false },
    ],
    targets: [{ figure: p50, ours: tries, peer: never, than: '<=', ratio: 1.2 }],
  }
}
