/**
 * Which CPUs the two processes of a comparison may use.
 *
 * A parked wake-up costs about ten times as much between two (virtual) CPUs as within one, and which of the two a
 * run gets is luck. So round trips are measured with both processes on one CPU, throughput with one CPU for each.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * @typedef {'one CPU' | 'a CPU each' | 'not pinned'} PinningName
 * @typedef {object} Pinning
 * @property {PinningName} name
 * @property {string} text the name with the CPU numbers
 * @property {string} near CPU list for taskset, '' for no pinning
 * @property {string} far
 */

const status = readFileSync('/proc/self/status', 'utf8')
const hasTaskset = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

/** @type {number[]} */
export const cpus = (/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0').split(',').flatMap((range) => {
  const [first, last = first] = range.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
})

/** @param {PinningName} name @returns {Pinning} */
export function pinning(name) {
  const first = String(cpus[0])
  const last = String(cpus[cpus.length - 1])
  if (!hasTaskset) return { name, text: 'not pinned: taskset is missing', near: '', far: '' }
  if (name === 'not pinned') return { name, text: `not pinned, ${cpus.length} CPUs`, near: '', far: '' }
  if (name === 'one CPU') return { name, text: `both on CPU ${last}`, near: last, far: last }
  if (first === last) return { name, text: `both on CPU ${last}: there is no second one`, near: last, far: last }
  return { name, text: `CPU ${first} to CPU ${last}`, near: first, far: last }
}

/** @param {string} cpuList @param {string[]} command @returns {[string, string[]]} for spawn */
export function pinned(cpuList, [file, ...args]) {
  return cpuList === '' ? [file, args] : ['taskset', ['-c', cpuList, file, ...args]]
}
