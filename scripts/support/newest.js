/**
 * In a clone of the repository: dist/ if nothing that it is made of has changed since, and otherwise the sources. So an
 * edit takes effect at once, and `npm run build` or `npm test` make it quick again.
 *
 * OS_IPC_SOURCES=1 always takes the sources: coverage and profiles by file. OS_IPC_SOURCES=0 never looks, which is a quarter of
 * what loading takes: for those who have just made dist/ and start thousands of processes.
 *
 * Loaded by every process that imports the package in a clone, so it imports nothing but Node's own.
 */
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export function newest() {
  const asked = process.env.OS_IPC_SOURCES
  return asked === '0' || (!asked && isFresh()) ? './dist/os-ipc.cjs' : './lib/whole.js'
}

/** Folders are looked at too: their times tell of what has gone. */
function isFresh() {
  const made = changed('dist/os-ipc.cjs')
  if (made === 0) return false
  return readdirSync(`${root}lib`, { recursive: true }).every((path) => changed(`lib/${path}`) <= made)
}

/** @param {string} path */
function changed(path) {
  return statSync(root + path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
