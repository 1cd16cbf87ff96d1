/** Objects that are files: POSIX shared memory and semaphores, FIFOs, and the files of sockets. */
import { lstatSync, readdirSync } from 'node:fs'
import { ifThere } from './proc.js'

/**
 * @typedef {import('../../index.js').IpcObject} IpcObject
 * @typedef {import('./holders.js').Holders} Holders
 * @typedef {import('node:fs').Stats} Stats
 */

const MEMORY = '/dev/shm'
/** How the C library names the file of a semaphore. */
const SEMAPHORE = 'sem.'
/** So many folders below those that are looked through. */
const DEPTH = 2

/** @param {Stats} stats */
export function facts({ uid, mode, birthtimeMs, ctimeMs }) {
  return { uid, mode: mode & 0o7777, created: Math.floor(birthtimeMs || ctimeMs) }
}

/**
 * shm_overview(7), sem_overview(7). Folders there are none, and neither is what stands in them.
 * @param {Holders} holders
 * @param {{ memory: boolean, semaphores: boolean }} wanted
 * @returns {IpcObject[]}
 */
export function posixMemory(holders, wanted) {
  /** @type {IpcObject[]} */
  const objects = []
  // A name is whatever bytes it is.
  for (const bytes of ifThere(() => readdirSync(MEMORY, { encoding: 'buffer' })) ?? []) {
    const file = bytes.toString()
    const isSemaphore = file.startsWith(SEMAPHORE)
    if (!(isSemaphore ? wanted.semaphores : wanted.memory)) continue
    const stats = ifThere(() => lstatSync(Buffer.concat([Buffer.from(`${MEMORY}/`), bytes])))
    if (!stats || stats.isDirectory() || stats.isFIFO() || stats.isSocket()) continue
    objects.push({
      kind: isSemaphore ? 'posix-semaphore' : 'posix-memory',
      name: `/${isSemaphore ? file.slice(SEMAPHORE.length) : file}`,
      ...facts(stats),
      bytes: stats.size,
      holders: holders.ofFile(stats),
    })
  }
  return objects
}

/**
 * FIFOs and sockets' files in these folders and the two levels below them, by path. Links are not followed.
 * @param {string[]} folders
 * @returns {Map<string, Stats>}
 */
export function filesIn(folders) {
  /** @type {Map<string, Stats>} */
  const found = new Map()
  for (const folder of folders) look(folder, DEPTH, found)
  return found
}

/** @param {string} folder @param {number} depth @param {Map<string, Stats>} found */
function look(folder, depth, found) {
  for (const entry of ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = `${folder === '/' ? '' : folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (depth > 0) look(path, depth - 1, found)
    } else if (entry.isFIFO() || entry.isSocket()) {
      const stats = ifThere(() => lstatSync(path))
      if (stats?.isFIFO() || stats?.isSocket()) found.set(path, stats)
    }
  }
}

/**
 * Those in the folders, and those that somebody has open elsewhere.
 * @param {Holders} holders
 * @param {Map<string, Stats>} files
 * @returns {IpcObject[]}
 */
export function fifos(holders, files) {
  const found = new Map([...files].filter(([, stats]) => stats.isFIFO()))
  for (const { path, stats } of holders.fifos.values()) {
    // What has lost its name still has a path here, followed by a word; and the path may lead elsewhere by now.
    const there = found.has(path) ? undefined : ifThere(() => lstatSync(path))
    if (there?.isFIFO() && there.ino === stats.ino && there.dev === stats.dev) found.set(path, there)
  }
  return [...found].map(([name, stats]) => ({
    kind: 'fifo',
    name,
    ...facts(stats),
    holders: holders.ofFile(stats),
  }))
}
