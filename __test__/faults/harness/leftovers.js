/**
 * Objects that stay until somebody removes them, while those who make them are killed here: each is written down first, and
 * the next process that ends removes what the dead have left.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

/** What is to be looked through at the end of this process. @type {Array<() => void>} */
const sweeps = []
if (isMainThread) {
  process.on('exit', () => {
    for (const sweep of sweeps) sweep()
  })
}

/** @param {string} name of the class @param {(key: number) => void} remove an object, which may never have been made */
export function leftovers(name, remove) {
  const folder = join(tmpdir(), `os-ipc-campaign-${name}`)
  mkdirSync(folder, { recursive: true })

  const drop = (/** @type {number} */ pid, /** @type {number} */ key) => {
    try {
      remove(key)
    } catch (error) {
      // Somebody has removed it already, or it was never made. Whatever else it is, somebody is to try again.
      if (error.code !== 'ENOENT') return
    }
    rmSync(join(folder, `${pid}-${key}`), { force: true })
  }
  sweeps.push(() => {
    for (const entry of readdirSync(folder)) {
      const [pid, key] = entry.split('-').map(Number)
      if (pid === process.pid || !isAlive(pid)) drop(pid, key)
    }
  })
  return {
    /** @param {number} key of an object that is about to be made */
    note: (key) => writeFileSync(join(folder, `${process.pid}-${key}`), ''),
    /** @param {number} key of one of this process */
    drop: (key) => drop(process.pid, key),
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
