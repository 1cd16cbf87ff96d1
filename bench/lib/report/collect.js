/**
 * What a run has measured, as data: what report.json has and report.html shows.
 *
 * @typedef {{ runs: number[], median: number, least: number, greatest: number }} Figure
 * @typedef {{ figure: string, unit: string, contender: string } & Figure} Value
 *
 * @typedef {object} Party
 * @property {string} name
 * @property {string} waits
 * @property {boolean} ours
 * @property {string} [failure]
 *
 * @typedef {object} ReportGroup
 * @property {string} page
 * @property {string} name
 * @property {string} size
 * @property {string} pinning
 * @property {Party[]} contenders
 * @property {Value[]} values
 *
 * @typedef {object} Report
 * @property {string} taken when
 * @property {Record<string, string | number>} machine
 * @property {Record<string, string>} versions
 * @property {{ runs: number, roundMs: number, quick: boolean }} settings
 * @property {number[]} cacheLine nanoseconds, before the first page and after each
 * @property {ReportGroup[]} groups
 * @property {import('../rows.js').Row[]} rows
 */
import { pinning } from '../pin.js'
import { median, sum } from '../stats.js'
import { bytesOf } from './sizes.js'

export const CPU = 'CPU by message'

/**
 * @param {string} page
 * @param {import('../group.js').Group} group
 * @param {import('../group.js').Measured[]} measured
 * @returns {ReportGroup}
 */
export function collect(page, group, measured) {
  return {
    page,
    name: group.name,
    size: group.size,
    pinning: pinning(group.pinning).text,
    contenders: measured.map(({ contender: { name, waits, ours = false }, failure }) => ({
      name,
      waits,
      ours,
      ...(failure === '' ? {} : { failure }),
    })),
    values: measured
      .filter(({ failure }) => failure === '')
      .flatMap((one) => [
        ...[...one.runs].map(([{ figure, unit }, runs]) => value(figure, unit, one.contender.name, runs)),
        ...cpuValues(group, one),
      ])
      .filter(({ runs }) => runs.length > 0),
  }
}

/**
 * Both sides together. Of a throughput by message, of a round trip by round trip.
 * @param {import('../group.js').Group} group
 * @param {import('../group.js').Measured} measured
 */
function cpuValues(group, { contender, runs, cpu }) {
  const [metric] = group.metrics
  const bytes = bytesOf(group.size)
  const isTrip = metric.figure.startsWith('round trip')
  if (!isTrip && (metric.figure !== 'throughput' || bytes === undefined)) return []
  const rates = runs.get(metric) ?? []
  const each = cpu.map(({ cpuNs, ns }, round) => {
    const rate = metric.unit === 'GB/s' ? (rates[round] * 1e9) / Number(bytes) : rates[round]
    const messages = isTrip ? ns.length : (rate * sum(ns)) / 1e9
    return cpuNs / messages / 1000
  })
  return each.some(Number.isNaN) ? [] : [value(CPU, 'µs', contender.name, each)]
}

/** @param {string} figure @param {string} unit @param {string} contender @param {number[]} runs @returns {Value} */
function value(figure, unit, contender, runs) {
  return { figure, unit, contender, runs, median: median(runs), least: Math.min(...runs), greatest: Math.max(...runs) }
}
