/**
 * What most people come for: messages of one size by every transport, ours and others', from whichever page measured them.
 * Who waits by a promise or by events is comparable; who blocks, polls or spins is not, nor is C, and stands with its group.
 *
 * @typedef {object} Glance
 * @property {string} title
 * @property {boolean} less whether less is better
 * @property {Best[]} values the best first
 *
 * @typedef {import('./collect.js').Value & { transport: string, waits: string, ours: boolean }} Best
 */
import { isLess } from './order.js'

const WANTED = [
  { title: 'Messages of 64 B, one way', figure: 'throughput', size: '64 B' },
  {
    title: 'Round trip of 64 B, both processes on one CPU',
    figure: 'round trip p50',
    size: '64 B',
    pinning: 'both on',
  },
  { title: 'Messages of 1 MiB, one way', figure: 'throughput', size: '1 MiB' },
]
/** How the names of our contenders begin, and what makes them. */
const OURS = /** @type {const} */ ([
  ['channel', 'Channel'],
  ['POSIX queue', 'PosixMessageQueue'],
  ['System V queue', 'SysvMessageQueue'],
  ['pipe', 'pipe()'],
  ['fifo', 'Fifo'],
  ['seqpacket', 'UnixSocket, seqpacket'],
  ['stream', 'UnixSocket, stream'],
  ['datagram', 'UnixSocket, datagram'],
  ['Endpoint', 'Endpoint'],
])
const COMPARABLE = /^(awaited|events of the loop)/

/** @param {import('./collect.js').ReportGroup[]} groups @returns {Glance[]} */
export function glances(groups) {
  return WANTED.map(({ title, figure, size, pinning = '' }) => {
    const values = groups
      .filter((group) => group.size === size && group.pinning.startsWith(pinning))
      .flatMap((group) =>
        group.values.filter((value) => value.figure === figure).flatMap((value) => told(group, value)),
      )
    const less = isLess(values[0]?.unit ?? '')
    values.sort((a, b) => (less ? a.median - b.median : b.median - a.median))
    // The best way of each transport; of others', which several pages measure, the best of them.
    const best = values.filter(({ transport }, at) => values.findIndex((one) => one.transport === transport) === at)
    return { title, less, values: best }
  }).filter(({ values }) => values.length > 1)
}

/** @param {import('./collect.js').ReportGroup} group @param {import('./collect.js').Value} value @returns {Best[]} */
function told(group, value) {
  const party = group.contenders.find(({ name }) => name === value.contender)
  if (!party || !COMPARABLE.test(party.waits)) return []
  const { waits, ours } = party
  const transport = ours ? OURS.find(([name]) => value.contender.startsWith(name))?.[1] : value.contender
  return transport === undefined ? [] : [{ ...value, transport, waits, ours }]
}
