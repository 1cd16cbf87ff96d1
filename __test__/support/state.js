/** States of this and other processes that specs wait for or count. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits until `probe` gives something true, and gives that.
 * @template T
 * @param {() => T | Promise<T>} probe
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function until(probe, what, milliseconds = 10_000) {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const found = await probe()
    if (found) return found
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain: ${what}`)
    await sleep(2)
  }
}

/** A turn of the event loop, in which whatever is ready is told. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve))
}

/** How many descriptors are open, without the one that counts them. @param {number | 'self'} [pid] */
export function descriptors(pid = 'self') {
  return readdirSync(`/proc/${pid}/fd`).length - (pid === 'self' ? 1 : 0)
}

/** What descriptor a process has open, as /proc shows it; undefined if none. @param {number | 'self'} pid @param {number} fd */
export function link(pid, fd) {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return undefined
  }
}

/** All that a process has open, by number. @param {number | 'self'} pid @returns {Map<number, string>} */
export function links(pid) {
  const found = new Map()
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const target = link(pid, Number(name))
    if (target !== undefined) found.set(Number(name), target)
  }
  return found
}

/** The flags of an open file description, as fcntl's F_GETFL gives them. @param {number | 'self'} pid @param {number} fd */
export function flags(pid, fd) {
  const line = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))
  if (line === null) throw new Error(`no flags of ${fd}`)
  return Number.parseInt(line[1], 8)
}

/** How many threads this process has, of that name if one is given. @param {string} [name] */
export function threads(name) {
  const tasks = readdirSync('/proc/self/task')
  return name === undefined ? tasks.length : tasks.filter((task) => nameOf(task) === name).length
}

/** @param {string} task */
function nameOf(task) {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The state of a process as /proc/PID/stat shows it (S, R, Z…), or undefined once it is gone. @param {number} pid */
export function stateOf(pid) {
  try {
    return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Whether a process is there and not a corpse. @param {number} pid */
export function isAlive(pid) {
  const state = stateOf(pid)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Processes whose parent is `pid`. @param {number} pid */
export function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}
