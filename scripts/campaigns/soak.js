/** Eight processes that use everything at once, for long: what they need stays the same, and how long they wait. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/run.js'
import { draw } from '../support/trust/chart.js'

export const about =
  'eight processes use everything at once for long: descriptors, threads and memory stay, and so does how long they wait'

/** @type {import('../support/trust/campaigns.js').Goal[]} */
export const goals = [
  {
    goal: 'hours that eight processes have used everything at once',
    target: 24,
    reached: (rows) => Math.max(...rows.map(({ seconds }) => seconds)) / 3600,
  },
]

// With the tests, which no type checker looks at.
const SOAK = new URL('../../__test__/faults/soak/soak.js', import.meta.url).href

/**
 * What a process tells of itself now and then; who asks tells of its trials as well, in milliseconds.
 * @typedef {{ at: number, asks: boolean, number: number, descriptors: number, threads: number, resident: number, trials?: number, p50?: number, p99?: number }} Sample
 * @typedef {{ at: number, descriptors: number, threads: number, megabytes: number, p50: number, p99: number, trials: number }} Moment
 */

/** Of each process: a thread that waits may be one more by chance, and is gone two seconds later. */
const SPARE_THREADS = 2
/** Percent that resident memory may grow by from the second quarter of the time to the last. */
const GROWTH = 10
/** Moments below which nothing can be told apart from the beginning. */
const LEAST = 8

/** @param {import('../support/trust/campaigns.js').Asked} asked */
export async function run({ minutes, seed = Math.floor(Math.random() * 0x1_0000_0000), record }) {
  const { soak } = await import(SOAK)
  const ms = minutes * 60_000
  const every = Math.max(500, ms / 200)
  const start = performance.now()
  /** @type {Sample[]} */
  let samples = []
  let error = ''
  try {
    samples = await soak({ ms, seed, every })
  } catch (failure) {
    error = failure instanceof Error ? `${failure.stack}` : String(failure)
    process.stderr.write(`${error}\n`)
  }
  const seconds = (performance.now() - start) / 1000
  const moments = momentsOf(samples, every)
  if (record && error === '') {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      writeFileSync(join(root, `docs/images/soak-${theme}.svg`), draw(theme, panels(moments)))
    }
  }
  const processes = new Set(samples.map(({ asks, number }) => `${asks} ${number}`)).size
  const trials = moments.reduce((sum, moment) => sum + moment.trials, 0)
  const common = {
    class: `${processes} processes`,
    fault: 'SOAK',
    runs: 1,
    seconds: Number(seconds.toFixed(1)),
    seed,
    error,
  }
  return judge(moments).map(({ name, promise, figures, holds }) => ({
    ...common,
    rounds: name === 'times' ? trials : moments.length,
    name,
    promise,
    figures,
    result: error !== '' ? 'failed' : holds,
  }))
}

/**
 * All processes together, at one moment after the other.
 * @param {Sample[]} samples
 * @param {number} every
 * @returns {Moment[]}
 */
function momentsOf(samples, every) {
  const count = Math.floor(Math.max(0, ...samples.map(({ at }) => at)) / every)
  const all = new Set(samples.map(({ asks, number }) => `${asks} ${number}`)).size
  return Array.from({ length: count }, (_, i) => {
    /** @type {Map<string, Sample>} The last word of each. */
    const last = new Map()
    for (const sample of samples) {
      // A process that is late by one is taken by its word before.
      const age = (i + 1) * every - sample.at
      if (age >= 0 && age < 2.5 * every) last.set(`${sample.asks} ${sample.number}`, sample)
    }
    const sum = (/** @type {'descriptors' | 'threads' | 'resident'} */ key) =>
      [...last.values()].reduce((total, sample) => total + sample[key], 0)
    const asking = [...last.values()].filter(({ asks }) => asks)
    const fresh = samples.filter(({ at }) => at >= i * every && at < (i + 1) * every)
    return {
      ...{ complete: last.size === all, at: ((i + 1) * every) / 1000 },
      ...{ descriptors: sum('descriptors'), threads: sum('threads'), megabytes: sum('resident') / 2 ** 20 },
      p50: median(asking.map(({ p50 }) => p50 ?? 0)),
      p99: median(asking.map(({ p99 }) => p99 ?? 0)),
      trials: fresh.reduce((total, { trials }) => total + (trials ?? 0), 0),
    }
  }).filter(({ complete }) => complete)
}

/** @param {Moment[]} moments */
function judge(moments) {
  const quarter = moments.length >> 2
  const [early, late] = [moments.slice(quarter, 2 * quarter), moments.slice(-quarter)]
  const told = moments.length >= LEAST
  const of = (/** @type {Moment[]} */ list, /** @type {keyof Moment} */ key) =>
    median(list.map((moment) => moment[key]))
  const grown = (/** @type {keyof Moment} */ key) => round(100 * (of(late, key) / of(early, key) - 1))
  const verdict = (/** @type {boolean} */ holds) =>
    told ? (holds ? 'passed' : 'failed') : 'left out: too short to tell'
  const memory = told ? grown('megabytes') : 0
  return [
    {
      name: 'descriptors',
      promise: 'as many descriptors are open in the last quarter as in the second',
      figures: { descriptorsEarly: String(of(early, 'descriptors')), descriptorsLate: String(of(late, 'descriptors')) },
      holds: verdict(of(late, 'descriptors') <= of(early, 'descriptors')),
    },
    {
      name: 'threads',
      promise: 'no more threads run in the last quarter than in the second',
      figures: { threadsEarly: String(of(early, 'threads')), threadsLate: String(of(late, 'threads')) },
      holds: verdict(of(late, 'threads') <= of(early, 'threads') + SPARE_THREADS),
    },
    {
      name: 'memory',
      promise: `resident memory of all grows by less than ${GROWTH} % from the second quarter to the last`,
      figures: { megabytesLate: String(round(of(late, 'megabytes'))), memoryGrownPercent: String(memory) },
      holds: verdict(memory < GROWTH),
    },
    {
      name: 'times',
      promise: 'each trial comes to its end, with the answer that belongs to it; how long 99 of 100 take is told',
      figures: {
        p50Ms: of(late, 'p50').toFixed(2),
        p99Ms: of(late, 'p99').toFixed(2),
        p99GrownPercent: String(told ? grown('p99') : 0),
      },
      holds: 'passed',
    },
  ]
}

/** @param {Moment[]} moments @returns {import('../support/trust/chart.js').Panel[]} */
function panels(moments) {
  const points = (/** @type {keyof Moment} */ key) => moments.map((moment) => ({ x: moment.at, y: moment[key] }))
  return [
    { title: 'milliseconds that 99 of 100 trials take, and half of them', lines: [points('p99'), points('p50')] },
    { title: 'resident memory of all processes, MiB', lines: [points('megabytes')] },
    { title: 'descriptors of all processes', lines: [points('descriptors')] },
    { title: 'threads of all processes', lines: [points('threads')] },
  ]
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

/** @param {number} value */
const round = (value) => Number(value.toFixed(1))
