/** Stamps under target/: what a result was made from, so that nothing is made twice. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './run.js'

/**
 * One hash over files and folders (with their names) and over anything else that counts.
 * @param {string[]} paths Below the root.
 * @param {...string} others
 */
export function fingerprint(paths, ...others) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap((entry) => files(entry))) {
    hash.update(`${path}\0`)
    hash.update(readFileSync(join(root, path)))
  }
  for (const other of others) hash.update(`${other}\0`)
  return hash.digest('hex')
}

/** @param {string} name */
export function stamp(name) {
  const path = join(root, 'target/stamps', name)
  return {
    /** @param {string} value */
    is(value) {
      try {
        return readFileSync(path, 'utf8') === value
      } catch {
        return false
      }
    },
    /** @param {string} value */
    set(value) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, value)
    },
  }
}

/**
 * The files at or under a path, sorted; none if it does not exist. What tools make (and hide) is not ours.
 * @param {string} path Below the folder.
 * @param {string} [folder]
 * @returns {string[]}
 */
export function files(path, folder = root) {
  const stat = statSync(join(folder, path), { throwIfNoEntry: false })
  if (!stat) return []
  if (!stat.isDirectory()) return [path]
  const entries = readdirSync(join(folder, path)).filter((name) => !/^(\.|node_modules$|target$)/.test(name))
  return entries.sort().flatMap((name) => files(join(path, name), folder))
}
