/** What the figures were taken on. */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus as cpuModels, loadavg, release } from 'node:os'
import { compile } from './compile.js'
import { cpus } from './pin.js'
import { median } from './stats.js'

export function machine() {
  const model = cpuModels()[0]?.model.trim() ?? 'unknown'
  return `Node ${process.version}, Linux ${release()}, ${availableParallelism()} x ${model}`
}

/** How busy others keep the machine; not to be asked while the bench itself does. */
export function business() {
  const [minute] = loadavg()
  const warning = minute > 0.5 ? ': others are at work here, repeat this when they are not' : ''
  return `load ${minute.toFixed(2)}${warning}`
}

/**
 * How long a cache line takes to another CPU and back. Where the host puts our CPUs floats, and every figure between
 * two CPUs floats with it.
 *
 * @param {number} runs
 * @returns {import('./rows.js').Row}
 */
export function cacheLine(runs) {
  const [first, last] = [cpus[0], cpus[cpus.length - 1]]
  /** @type {number[]} */
  let values = []
  let note = first === last ? 'there is no second CPU' : ''
  if (note === '') {
    try {
      const { stdout } = spawnSync(compile('cache_line'), [first, last, runs].map(String), { encoding: 'utf8' })
      values = JSON.parse(stdout).ns
    } catch (error) {
      note = error instanceof Error ? error.message : String(error)
    }
  }
  return {
    page: 'machine',
    transport: 'cache line',
    waits: 'spinning',
    size: '64 B',
    figure: 'round trip',
    unit: 'ns',
    pinning: `CPU ${first} to CPU ${last}`,
    value: values.length > 0 ? median(values) : null,
    peer: null,
    peerWaits: null,
    peerValue: null,
    ratio: null,
    target: null,
    reached: null,
    runs: values,
    peerRuns: [],
    ...(note === '' ? {} : { note }),
  }
}
