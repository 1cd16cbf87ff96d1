/**
 * One way: many messages up to one acknowledgement.
 */
import { sum } from '../../lib/stats.js'
import { ADVANCED, KIB, MIB, NET, nodesOwn, ours, packages, program, sizeText, ZEROMQ } from './contenders.js'

/** @typedef {import('../../lib/group.js').Group} Group @typedef {import('../../lib/group.js').Target} Target */

/** Messages up to one acknowledgement: so many that its round trip does not show. */
const batches = new Map([
  [64, 10_000],
  [KIB, 10_000],
  [64 * KIB, 1_000],
  [MIB, 64],
])
const figure = 'throughput'
const AWAITED = 'awaited'
const NONE = 'awaited only where there is nothing'
const forms = /** @type {const} */ ([
  ['recv', 'channel, recv', AWAITED],
  ['iterate', 'channel, for await', AWAITED],
  ['many', 'channel, recvMany', 'awaited; trySend there'],
  ['try', 'channel, tryRecv', `${NONE}; trySend there`],
  ['into', 'channel, tryRecvInto', NONE],
  ['borrow', 'channel, reserve and borrow', NONE],
  ['view', 'channel, send and borrow', NONE],
  ['sync', 'channel, recvSync', 'sync, spinning while that pays'],
])

/** @param {import('../../lib/settings.js').Settings} settings @returns {Group[]} */
export function groups(settings) {
  const sizes = settings.quick ? [64, MIB] : [...batches.keys()]
  return [...sizes.map((size) => bytes(size, settings)), ...(settings.quick ? [] : ['json', 'structured']).map(values)]
}

/** @param {number} size @param {import('../../lib/settings.js').Settings} settings @returns {Group} */
function bytes(size, settings) {
  const batch = batches.get(size) ?? 1
  const job = ['throughput', size, batch]
  const wide = 8 * MIB
  return {
    name: `channel, throughput ${sizeText(size)}`,
    size: sizeText(size),
    pinning: 'a CPU each',
    metrics: [metric(size, batch)],
    contenders: [
      ...forms.map(([form, name, waits]) => ours(name, waits, [...job, form])),
      ...(size === MIB
        ? [
            ours('channel 8 MiB, recv', AWAITED, [...job, 'recv', 'bytes', wide]),
            ours('channel 8 MiB, tryRecvInto', NONE, [...job, 'into', 'bytes', wide]),
            ours('channel 8 MiB, reserve and borrow', NONE, [...job, 'borrow', 'bytes', wide]),
          ]
        : []),
      ...nodesOwn(job),
      ...(size <= KIB ? packages(job, settings) : []),
      program('C ring', 'spinning', 'ring_throughput', [size, batch]),
    ].filter(
      ({ name }) => size < MIB || (name !== 'channel, reserve and borrow' && name !== 'channel, send and borrow'),
    ),
    targets: targetsOf(size),
  }
}

/** @param {number} size @returns {Target[]} */
function targetsOf(size) {
  /** @param {string} name @param {string} peer @param {number} ratio @returns {Target} */
  const least = (name, peer, ratio) => ({ figure, ours: name, peer, than: '>=', ratio })
  switch (size) {
    case 64:
      return [
        least('channel, recv', ADVANCED, 40),
        least('channel, recv', NET, 12),
        least('channel, recv', ZEROMQ, 25),
        least('channel, recvMany', ADVANCED, 90),
        least('channel, tryRecv', ADVANCED, 90),
      ]
    case KIB:
      return [least('channel, recv', ADVANCED, 25)]
    case 64 * KIB:
      return [
        least('channel, recv', ADVANCED, 6),
        least('channel, tryRecvInto', ADVANCED, 22),
        least('channel, reserve and borrow', ADVANCED, 22),
      ]
    default:
      return [
        least('channel, recv', ADVANCED, 5),
        least('channel, tryRecvInto', ADVANCED, 22),
        least('channel 8 MiB, tryRecvInto', ADVANCED, 22),
        least('channel 8 MiB, reserve and borrow', ADVANCED, 22),
      ]
  }
}

/** Text of 64 characters, as each codec has it. @param {string} codec @returns {Group} */
function values(codec) {
  const batch = batches.get(64) ?? 1
  const job = ['throughput', 64, batch]
  return {
    name: `channel, throughput of ${codec}`,
    size: '64 characters',
    pinning: 'a CPU each',
    metrics: [metric(64, batch)],
    contenders: [
      ours(`channel ${codec}, recv`, AWAITED, [...job, 'recv', codec]),
      ours(`channel ${codec}, recvMany`, 'awaited; trySend there', [...job, 'many', codec]),
      ...nodesOwn(job).slice(0, 2),
    ],
    targets: [],
  }
}

/** @param {number} size @param {number} batch */
function metric(size, batch) {
  const seconds = (/** @type {number[]} */ ns) => sum(ns) / 1e9
  return size < 64 * KIB
    ? { figure, unit: 'messages/s', of: (/** @type {any} */ { ns }) => (ns.length * batch) / seconds(ns) }
    : { figure, unit: 'GB/s', of: (/** @type {any} */ { ns }) => (ns.length * batch * size) / seconds(ns) / 1e9 }
}
