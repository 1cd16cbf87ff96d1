/** What cargo knows of the crates that this is built from. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, Complaint, root } from './run.js'

/**
 * @typedef {object} Crate
 * @property {string} id
 * @property {string} name
 * @property {string} version
 * @property {string | null} license
 * @property {string | null} source Null: from this repository.
 * @property {string} manifest_path
 * @property {{ kind: string[] }[]} targets
 * @property {{ name: string, source: string | null, path?: string }[]} dependencies
 */

/**
 * @typedef {object} Metadata
 * @property {Crate[]} packages
 * @property {{ nodes: { id: string, deps: { pkg: string, dep_kinds: { kind: string | null }[] }[] }[] } | null} resolve
 */

/**
 * @param {...string} options
 * @returns {Metadata}
 */
export function metadata(...options) {
  const said = ask('cargo', ['metadata', '--format-version=1', ...options])
  if (said === undefined) throw new Complaint(`cargo metadata ${options.join(' ')} failed`)
  return JSON.parse(said)
}

/**
 * The crates whose code is in the addon for a target; what only runs while it is built is not.
 * @param {string} target
 */
export function linked(target) {
  const { packages, resolve } = metadata(
    '--locked',
    '--manifest-path',
    join(root, 'Cargo.toml'),
    '--filter-platform',
    target,
  )
  const crates = new Map(packages.map((crate) => [crate.id, crate]))
  const nodes = new Map(resolve?.nodes.map((node) => [node.id, node]))
  /** @type {Set<Crate>} */
  const found = new Set()
  const follow = (/** @type {Crate | undefined} */ crate) => {
    if (!crate || found.has(crate) || crate.targets.some(({ kind }) => kind.includes('proc-macro'))) return
    found.add(crate)
    for (const { pkg, dep_kinds } of nodes.get(crate.id)?.deps ?? []) {
      if (dep_kinds.some(({ kind }) => kind === null)) follow(crates.get(pkg))
    }
  }
  follow(packages.find(({ name, source }) => name === 'os-ipc' && source === null))
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** SHA-256 of each crate as it was fetched, by `name version`. */
export function checksums() {
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8')
  const entry = /^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"$/gm
  return new Map([...lock.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, sum]))
}
