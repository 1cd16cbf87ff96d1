/**
 * In a clone of the repository: dist/ if nothing that it is made of has changed since, and otherwise the sources. So an
 * edit takes effect at once, and `npm run build` or `npm test` make it quick again.
 *
 * OS_IPC_SOURCES=1 always takes the sources: coverage and profiles by file.
 *
 * Loaded by every process that imports the package in a clone, so it imports nothing but Node's own.
 */
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What is taken where dist/ is stale, and what dist/ is made of. @type {Record<string, { source: string, of: string[] }>} */
const made = {
  'os-ipc': { source: 'lib/whole.js', of: ['lib'] },
  'cli/main': { source: 'lib/cli/main.js', of: ['lib', 'bin'] },
}

/** @param {string} name Of a file in dist/. */
export function newest(name) {
  const { source, of } = made[name]
  const result = `dist/${name}.js`
  const fresh = !process.env.OS_IPC_SOURCES && isNewer(changed(`${root}${result}`), of)
  return `./${fresh ? result : source}`
}

/** @param {number} time @param {string[]} folders */
function isNewer(time, folders) {
  if (time === 0) return false
  return folders.every((folder) => {
    const path = `${root}${folder}`
    return readdirSync(path, { recursive: true }).every((entry) => changed(`${path}/${entry}`) <= time)
  })
}

/** @param {string} path */
function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
