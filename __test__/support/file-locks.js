/** Files to be locked by specs, and what the kernel says of the locks on them. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileLock } from '../../index.js'

let last = 0
/** @type {FileLock[]} */
const opened = []

/** A file of its own. @param {string} folder */
export function newFile(folder, content = '0123456789') {
  const path = join(folder, `file-${++last}`)
  writeFileSync(path, content)
  return path
}

/** A handle that `closeAll` closes. @param {string} path */
export function open(path) {
  const lock = FileLock.open(path)
  opened.push(lock)
  return lock
}

export function closeAll() {
  for (const lock of opened.splice(0)) lock.close()
}

/**
 * The locks on a file, of open file descriptions and of any process: "shared 0 EOF" for each, sorted.
 * @param {string} path
 */
export function locksOn(path) {
  const { ino } = statSync(path)
  const lines = readFileSync('/proc/locks', 'utf8').split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , file]) => file?.endsWith(`:${ino}`))
    .filter(([, kind]) => kind === 'OFDLCK')
    .map(([, , , access, , , start, end]) => `${access === 'READ' ? 'shared' : 'exclusive'} ${start} ${end}`)
    .sort()
}

/** How many stand in the kernel's queues for locks on a file. @param {string} path */
export function waitingFor(path) {
  const { ino } = statSync(path)
  const lines = readFileSync('/proc/locks', 'utf8').split('\n')
  return lines.filter((line) => line.includes('->') && line.includes(`:${ino} `)).length
}
