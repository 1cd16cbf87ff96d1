/** What the kernel says of a process, in /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** @param {number | 'self'} pid @param {string} name */
function read(pid, name) {
  return readFileSync(`/proc/${pid}/${name}`, 'latin1')
}

/** The number of open descriptors. (The one that lists them is always one more.) */
export function descriptors(pid = 'self') {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** What each open descriptor is, for the message when there is one too many. */
export function descriptorList(pid = 'self') {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`
    } catch {
      return `${fd} (this list's own)`
    }
  })
}

/** That file of each thread. One that ends meanwhile has none. @returns {string[]} */
function ofThreads(pid, name) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [read(pid, `task/${thread}/${name}`)]
    } catch {
      return []
    }
  })
}

/** The names of all threads. */
export function threads(pid = 'self') {
  return ofThreads(pid, 'comm').map((name) => name.trim())
}

/** How many threads are ours that wait, and how many are whoever's else. */
export function threadCounts(pid = 'self') {
  const names = threads(pid)
  const waiters = names.filter((name) => name === 'os-ipc-waiter').length
  return { waiters, others: names.length - waiters }
}

export function mappings(pid = 'self') {
  return read(pid, 'maps').split('\n').length - 1
}

/** Bytes in memory. */
export function resident(pid = 'self') {
  return Number(read(pid, 'statm').split(' ')[1]) * 4096
}

/** Milliseconds that all threads of a process have run so far. */
export function cpuTime(pid = 'self') {
  return ofThreads(pid, 'schedstat').reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1e6, 0)
}

/** How often any thread of a process has gone to sleep of its own will: once for each wake-up. */
export function sleeps(pid = 'self') {
  const count = (status) => Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1])
  return ofThreads(pid, 'status').reduce((sum, status) => sum + count(status), 0)
}

/** R, S, T, Z…, or undefined when it is gone. @param {number} pid */
export function stateOf(pid) {
  try {
    return /^\d+ \(.*\) (\w)/s.exec(read(pid, 'stat'))?.[1]
  } catch {
    return undefined
  }
}
