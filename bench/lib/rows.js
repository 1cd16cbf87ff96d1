/**
 * Turns what was measured into rows: one for each of our contenders beside each peer, and figure.
 *
 * @typedef {object} Row
 * @property {string} page
 * @property {string} transport
 * @property {string} waits what waits and how
 * @property {string} size
 * @property {string} figure
 * @property {string} unit
 * @property {string} pinning
 * @property {number | null} value median of `runs`
 * @property {string | null} peer
 * @property {string | null} peerWaits
 * @property {number | null} peerValue
 * @property {number | null} ratio value / peerValue
 * @property {string | null} target
 * @property {boolean | null} reached
 * @property {number[]} runs
 * @property {number[]} peerRuns
 * @property {string} [note] why a value is missing
 */
import { pinning } from './pin.js'
import { median } from './stats.js'

/**
 * @param {string} page
 * @param {import('./group.js').Group} group
 * @param {import('./group.js').Measured[]} measured
 * @returns {Row[]}
 */
export function rowsOf(page, group, measured) {
  const ours = measured.filter(({ contender }) => contender.ours)
  const peers = measured.filter(({ contender }) => !contender.ours)
  return group.metrics.flatMap((metric) =>
    ours.flatMap((own) => (peers.length > 0 ? peers : [null]).map((peer) => row(page, group, metric, own, peer))),
  )
}

/**
 * @param {string} page
 * @param {import('./group.js').Group} group
 * @param {import('./group.js').Metric} metric
 * @param {import('./group.js').Measured} own
 * @param {import('./group.js').Measured | null} peer
 * @returns {Row}
 */
function row(page, group, metric, own, peer) {
  const runs = own.runs.get(metric) ?? []
  const peerRuns = peer?.runs.get(metric) ?? []
  const value = own.failure === '' ? median(runs) : null
  const peerValue = peer && peer.failure === '' ? median(peerRuns) : null
  const ratio = value !== null && peerValue !== null ? value / peerValue : null
  const target = group.targets.find(
    ({ figure, ours, peer: name }) =>
      figure === metric.figure && ours === own.contender.name && name === peer?.contender.name,
  )
  const note = [own, peer].flatMap((one) => (one?.failure ? [`${one.contender.name} ${one.failure}`] : [])).join('; ')
  return {
    page,
    transport: own.contender.name,
    waits: own.contender.waits,
    size: group.size,
    figure: metric.figure,
    unit: metric.unit,
    pinning: pinning(group.pinning).text,
    value,
    peer: peer?.contender.name ?? null,
    peerWaits: peer?.contender.waits ?? null,
    peerValue,
    ratio,
    target: target ? limitOf(target, metric) : null,
    reached: target ? holds(target.value === undefined ? ratio : value, target) : null,
    runs,
    peerRuns,
    ...(note === '' ? {} : { note }),
  }
}

/** @param {import('./group.js').Target} target @param {import('./group.js').Metric} metric */
function limitOf({ than, ratio, value }, { unit }) {
  return value === undefined ? `${than} ${ratio}` : `${than} ${value} ${unit}`
}

/** @param {number | null} figure @param {import('./group.js').Target} target */
function holds(figure, { than, ratio, value }) {
  const limit = value ?? ratio ?? Number.NaN
  if (figure === null) return null
  if (than === '<') return figure < limit
  return than === '<=' ? figure <= limit : figure >= limit
}
