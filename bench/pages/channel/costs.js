/**
 * What a channel costs where nobody waits, while nothing happens, and at its end.
 */
import { collecting, script } from '../../lib/session.js'
import { median, percentile, sum } from '../../lib/stats.js'
import { program } from './contenders.js'

/** @typedef {import('../../lib/group.js').Group} Group */

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  return [local(), nothing(), flood(), idle(settings.quick), death(settings.quick ? 3 : 20)]
}

const LOCAL = 500

/** @param {string} name @param {string} form @returns {import('../../lib/group.js').Contender} */
const localForm = (name, form) => ({
  name,
  waits: 'nobody waits',
  ours: true,
  command: () => script('channel-local-near.js', 'local', 64, LOCAL, form),
})

/** @returns {Group} */
function local() {
  const figure = 'send and receive in one process'
  const [copy, view, c] = ['channel, trySend and tryRecv', 'channel, trySend and tryBorrow', 'C ring']
  return {
    name: 'channel, local cost 64 B',
    size: '64 B',
    pinning: 'one CPU',
    metrics: [{ figure, unit: 'ns', of: ({ ns }) => median(ns) / LOCAL }],
    contenders: [
      localForm(copy, 'copy'),
      localForm(view, 'view'),
      program(c, 'nobody waits', 'ring_local', [64, LOCAL]),
    ],
    targets: [
      { figure, ours: copy, peer: c, than: '<=', value: 80 },
      { figure, ours: view, peer: c, than: '<=', value: 30 },
    ],
  }
}

/** @returns {Group} */
function nothing() {
  const [figure, ours] = ['a look', 'channel, tryRecv of nothing']
  return {
    name: 'channel, nothing there',
    size: '64 B',
    pinning: 'one CPU',
    metrics: [{ figure, unit: 'ns', of: ({ ns }) => median(ns) / LOCAL }],
    contenders: [localForm(ours, 'nothing')],
    targets: [{ figure, ours, than: '<', value: 15 }],
  }
}

/** @returns {Group} */
function flood() {
  const figure = 'timers late, p99'
  const [each, many] = ['channel, for await', 'channel, recvMany']
  /** @param {string} name @param {string} form @returns {import('../../lib/group.js').Contender} */
  const flooded = (name, form) => ({
    name,
    waits: 'awaited',
    ours: true,
    command: () => script('channel-flood-near.js', 64, form),
  })
  return {
    name: 'channel, timers under a flood',
    size: '64 B',
    pinning: 'a CPU each',
    roundMs: 200,
    maxCount: 200,
    metrics: [{ figure, unit: 'ms', of: ({ ns }) => percentile(ns, 0.99) / 1e6 }],
    contenders: [flooded(each, 'each'), flooded(many, 'many')],
    targets: [each, many].map((ours) => ({ figure, ours, than: /** @type {const} */ ('<'), value: 20 })),
  }
}

/** @param {number} count @param {number} milliseconds @param {string} name @returns {import('../../lib/group.js').Contender} */
function bare(count, milliseconds, name) {
  return {
    name,
    waits: 'parked in the event loop',
    ours: count > 0,
    command: () => collecting('channel-idle-near.js', count, milliseconds),
  }
}

/** @param {boolean} quick @returns {Group} */
function idle(quick) {
  const count = quick ? 100 : 1_000
  const time = quick ? 200 : 2_000
  const [memory, share, wakeUps] = ['private memory of each', 'processor', 'wake-ups']
  const [ours, peer] = [`${count} channels`, 'no channels']
  return {
    name: 'channel, idle',
    size: `${count} channels`,
    pinning: 'one CPU',
    maxCount: 1,
    metrics: [
      { figure: memory, unit: 'KiB', of: ({ kib = 0 }) => kib },
      { figure: share, unit: '%', of: ({ ns, cpuUs = [] }) => (sum(cpuUs) * 1e5) / sum(ns) },
      { figure: wakeUps, unit: '', of: ({ wakeUps: times = 0 }) => times },
    ],
    contenders: [bare(count, time, ours), bare(0, time, peer)],
    targets: [
      { figure: memory, ours, peer, than: '<', value: 64 },
      { figure: share, ours, peer, than: '<', value: 0.1 },
    ],
  }
}

/** @param {number} count @returns {Group} */
function death(count) {
  const [figure, ours] = ['death told of after, p99', 'channel, recv']
  return {
    name: 'channel, death of the other side',
    size: `${count} processes`,
    pinning: 'not pinned',
    maxCount: count,
    roundMs: 60_000,
    metrics: [
      { figure: 'death told of after, p50', unit: 'ms', of: ({ ns }) => percentile(ns, 0.5) / 1e6 },
      { figure, unit: 'ms', of: ({ ns }) => percentile(ns, 0.99) / 1e6 },
    ],
    contenders: [{ name: ours, waits: 'awaited', ours: true, command: () => script('channel-death-near.js') }],
    targets: [{ figure, ours, than: '<=', value: 10 }],
  }
}
