/**
 * Shared memory: what its buffer costs beside an ordinary one, and handing it over beside copying.
 */
import { compile } from '../lib/compile.js'
import { script } from '../lib/session.js'
import { median, percentile } from '../lib/stats.js'

const MIB = 1 << 20
const LARGE = 64 * MIB
const SYNC = 'sync, parked in a futex'

/** @typedef {import('../lib/group.js').Group} Group @typedef {import('../lib/group.js').Contender} Contender */

/** @param {import('../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  return [roundTrip(), sum(settings.quick ? MIB : LARGE), opening(), handOver(settings.quick ? MIB : LARGE)]
}

/** @returns {Group} */
function roundTrip() {
  const p50 = 'round trip p50'
  const [sync, awaited] = ['SharedMemory, waitSync', 'SharedMemory, wait']
  const [program, threads] = ['C futex', 'Atomics.wait, worker thread']
  return {
    name: 'shared memory, futex round trip',
    size: 'a word',
    pinning: 'one CPU',
    metrics: [
      { figure: p50, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
      { figure: 'round trip p99', unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
    ],
    contenders: [
      ours(sync, SYNC, 'shm-near.js', 'round-trip', 4096, 1, 'sync'),
      ours(awaited, 'awaited, a thread parked in a futex', 'shm-near.js', 'round-trip', 4096, 1, 'wait'),
      { name: program, waits: 'parked in a futex', command: () => [compile('shm_round_trip')] },
      { name: threads, waits: 'sync, within one process', command: () => script('atomics-wait-near.js') },
    ],
    targets: [
      { figure: p50, ours: sync, peer: program, than: '<=', ratio: 1.5 },
      { figure: p50, ours: sync, peer: threads, than: '<', ratio: 1 },
    ],
  }
}

/** @param {number} size @returns {Group} */
function sum(size) {
  const figure = 'sum of all doubles'
  const [shared, peer] = ['SharedMemory.buffer', 'an ordinary ArrayBuffer']
  return {
    name: `shared memory, sum of ${size / MIB} MiB in JS`,
    size: `${size / MIB} MiB`,
    pinning: 'one CPU',
    metrics: [{ figure, unit: 'ms', of: ({ ns }) => median(ns) / 1e6 }],
    contenders: [
      ours(shared, 'nobody waits', 'shm-local-near.js', 'shared', size, 1),
      { name: peer, waits: 'nobody waits', command: () => script('shm-local-near.js', 'ordinary', size, 1) },
    ],
    targets: [{ figure, ours: shared, peer, than: '<=', ratio: 1.05 }],
  }
}

/** @returns {Group} */
function opening() {
  const figure = 'open and close'
  const batch = 50
  const [opened, peer] = ['SharedMemory.open, close', 'C shm_open, mmap, munmap, close']
  return {
    name: 'shared memory, open and close',
    size: '64 KiB',
    pinning: 'one CPU',
    metrics: [{ figure, unit: 'µs', of: ({ ns }) => median(ns) / batch / 1000 }],
    contenders: [
      ours(opened, 'nobody waits', 'shm-local-near.js', 'open', 65_536, batch),
      { name: peer, waits: 'nobody waits', command: () => [compile('shm_open'), String(batch)] },
    ],
    targets: [{ figure, ours: opened, peer, than: '<=', ratio: 3 }],
  }
}

/** @param {number} size @returns {Group} */
function handOver(size) {
  const figure = 'handed over and acknowledged'
  const [sync, awaited, peer] = ['SharedMemory, waitSync', 'SharedMemory, wait', 'process.send advanced']
  return {
    name: `shared memory, ${size / MIB} MiB to another process`,
    size: `${size / MIB} MiB`,
    pinning: 'a CPU each',
    metrics: [{ figure, unit: 'µs', of: ({ ns }) => median(ns) / 1000 }],
    contenders: [
      ours(sync, SYNC, 'shm-near.js', 'throughput', size, 1, 'sync'),
      ours(awaited, 'awaited', 'shm-near.js', 'throughput', size, 1, 'wait'),
      {
        name: peer,
        waits: 'events of the loop',
        command: () => script('process-send-near.js', 'throughput', size, 1, 'advanced'),
      },
    ],
    targets: [
      { figure, ours: sync, peer, than: '<=', ratio: size === LARGE ? 0.001 : 1 },
      { figure, ours: awaited, peer, than: '<=', ratio: size === LARGE ? 0.001 : 1 },
    ],
  }
}

/** @param {string} name @param {string} waits @param {string} file @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, file, ...args) {
  return { name, waits, ours: true, command: () => script(file, ...args) }
}
