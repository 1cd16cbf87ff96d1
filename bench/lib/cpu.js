/** The processor time of all processes of a group, in nanoseconds, as far as the kernel counts it: proc(5), schedstat. */
import { readdirSync, readFileSync } from 'node:fs'

/** @param {number} group its number is that of the process that leads it @returns {number[]} */
export function processesOf(group) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => groupOf(pid) === group)
}

/** @param {readonly number[]} pids @returns {number} NaN where the kernel does not count */
export function cpuOf(pids) {
  let total = 0
  for (const pid of pids) {
    for (const task of listed(`/proc/${pid}/task`)) {
      // What has ended meanwhile had its time, too; the groups that are measured start and end none in a round.
      total += Number(text(`/proc/${pid}/task/${task}/schedstat`)?.split(' ')[0] ?? 0)
    }
  }
  return total > 0 ? total : Number.NaN
}

/** @param {number} pid */
function groupOf(pid) {
  const stat = text(`/proc/${pid}/stat`) ?? ''
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
}

/** @param {string} path */
function listed(path) {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** @param {string} path */
function text(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
