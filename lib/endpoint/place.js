/**
 * Where the endpoint of a process stands: a file in a folder of its user's own, named by the number of the process, its
 * time of start and its PID namespace, so that no later process of that number is taken for it.
 */
import { readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import native from '../load.js'
import { forget } from '../registry.js'

const NAME = /^endpoint\.(\d+)\.(\d+)\.(\d+)$/
/** What is said of a process that has gone, or is not to be seen. */
const ABSENT = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])
/** So many files of others are looked at when one is opened. */
const LOOKS = 256

/** @type {number | undefined} */
let namespace

function pidNamespace() {
  namespace ??= statSync('/proc/self/ns/pid').ino
  return namespace
}

/** What proc(5) has of a process, where there is one. @param {number | 'self'} pid @param {string} file */
function look(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (error) {
    // Where there are no descriptors left, that says nothing of the process.
    if (!ABSENT.has(/** @type {any} */ (error).code)) throw error
    return undefined
  }
}

/**
 * When a process was started, in ticks of the clock; undefined if there is none, or no more than its exit status.
 * @param {number | 'self'} pid
 */
export function startOf(pid) {
  const stat = look(pid, 'stat')
  if (stat === undefined) return undefined
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** Threads have numbers of the same kind, and /proc shows them if it is asked. @param {number} pid */
export function isThread(pid) {
  const group = /^Tgid:\s*(\d+)/m.exec(look(pid, 'status') ?? '')
  return group !== null && Number(group[1]) !== pid
}

/** @param {number} pid @param {string} start */
function nameOf(pid, start) {
  return `endpoint.${pid}.${start}.${pidNamespace()}`
}

/** The one for other users: they cannot see into the folder. @param {number} pid @param {string} start */
function abstractOf(pid, start) {
  return `@os-ipc/${nameOf(pid, start)}`
}

/** Where this process's own goes. */
export function ownPlace() {
  const folder = native.endpointFolder()
  const start = /** @type {string} */ (startOf('self'))
  sweep(folder)
  return { path: join(folder, nameOf(process.pid, start)), abstract: abstractOf(process.pid, start) }
}

/**
 * Where that of another process may stand.
 * @param {number} pid
 * @param {string} start
 * @param {boolean} others whether it may be another user's
 */
export function placesOf(pid, start, others) {
  const elsewhere = /(?:^|\0)XDG_RUNTIME_DIR=([^\0]+)/.exec(look(pid, 'environ') ?? '')
  const paths = native.endpointFolders(elsewhere?.[1] ?? null).map((folder) => join(folder, nameOf(pid, start)))
  return others ? [...paths, abstractOf(pid, start)] : paths
}

/** Removes what processes have left that are dead. @param {string} folder */
function sweep(folder) {
  let looks = 0
  for (const name of readdirSync(folder)) {
    const [, pid, start, its] = NAME.exec(name) ?? []
    if (pid === undefined || Number(its) !== pidNamespace() || looks++ >= LOOKS) continue
    if (startOf(Number(pid)) !== start) remove(join(folder, name))
  }
}

/** @param {string} path */
export function remove(path) {
  try {
    unlinkSync(path)
  } catch {
    // Somebody else was here.
  }
}

/** This process's own. @param {string} path */
export function removeOwn(path) {
  remove(path)
  try {
    forget('socket', path)
  } catch {
    // The entry goes with the process; and what it lists has gone.
  }
}
