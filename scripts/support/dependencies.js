/**
 * What the repository takes from others: licences, duplicates and sources, and that each has its line in ARCHITECTURE.md on
 * what it is there for. For crates the lists are deny.toml's, which is cargo-deny's as well.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { metadata } from './crates.js'
import { allows } from './licences.js'
import { root } from './run.js'
import { files } from './stamp.js'

/** Tools and contenders are run here and never shipped, so copyleft of files is no matter; these are what they have. */
const forTools = new Set([
  ...['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'Python-2.0', 'PSF-2.0', 'MPL-2.0'],
])

/** npm packages in more than one version, because those that bring them pin their own. */
/** @type {Record<string, string[]>} */
const twice = {
  'package-lock.json': ['@octokit/openapi-types', '@octokit/types', 'ansi-regex', 'chalk', 'parse5', 'typescript'],
  'bench/package-lock.json': ['isarray', 'node-addon-api', 'readable-stream', 'string_decoder', 'strong-type'],
}

/** One line for each fault. */
export function dependencyFaults({ folder = root } = {}) {
  return [
    ...crateFaults(folder),
    ...npmLocks(folder).flatMap((path) => npmFaults(folder, path)),
    ...reasonFaults(folder),
  ]
}

/** @param {string} folder */
function crateFaults(folder) {
  const rules = readFileSync(join(folder, 'deny.toml'), 'utf8')
  const allowed = new Set(rules.match(/^allow = \[([^\]]*)\]/m)?.[1].match(/[^\s",]+/g))
  const targets = rules.match(/^targets = \[([^\]]*)\]/m)?.[1].match(/[^\s",]+/g) ?? []
  const crates = metadata(
    ...['--locked', '--all-features', '--manifest-path', join(folder, 'Cargo.toml')],
    ...targets.flatMap((target) => ['--filter-platform', target]),
  ).packages
  const foreign = crates.filter(({ source }) => source !== null)
  const found = repeated(foreign)
  const skipped = [...(rules.match(/^skip = \[(.*)\]$/m)?.[1] ?? '').matchAll(/crate = "([^"]*)"/g)].map(
    ([, name]) => name,
  )
  return [
    ...foreign
      .filter(({ license }) => !license || !allows(license, allowed))
      .map(({ name, license }) => `crate ${name}: ${license ?? 'no licence'}, which deny.toml does not allow`),
    ...foreign
      .filter(({ source }) => !source?.startsWith('registry+'))
      .map(({ name, source }) => `crate ${name}: from ${source}, not from the registry`),
    ...found.filter((name) => !skipped.includes(name)).map((name) => `crate ${name}: more than one version`),
    ...skipped
      .filter((name) => !found.includes(name))
      .map((name) => `crate ${name}: one version alone, and yet skipped in deny.toml`),
  ]
}

/** @param {string} folder */
function npmLocks(folder) {
  return files('.', folder).filter((path) => path.endsWith('package-lock.json'))
}

/** @param {string} folder @param {string} path */
function npmFaults(folder, path) {
  /** @type {Record<string, { version: string, resolved?: string, optional?: boolean, license?: string }>} */
  const { '': own, ...all } = JSON.parse(readFileSync(join(folder, path), 'utf8')).packages
  const known = Object.entries(all).map(([place, entry]) => ({
    ...entry,
    name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
    licence: entry.license ?? licenceOf(join(folder, dirname(path), place)),
  }))
  const found = repeated(known)
  const tolerated = twice[path] ?? []
  return [
    ...known
      // The binaries of other systems are not installed, and locks do not tell what they are under.
      .filter(({ licence, optional }) => (licence ? !allows(licence, forTools) : !optional))
      .map(
        ({ name, licence }) =>
          `${path}: ${name}: ${licence ?? 'no licence'}, which is none of those that tools may have`,
      ),
    ...known
      .filter(({ resolved }) => resolved !== undefined && !resolved.startsWith('https://'))
      .map(({ name, resolved }) => `${path}: ${name}: from ${resolved}, not from the registry`),
    ...found.filter((name) => !tolerated.includes(name)).map((name) => `${path}: ${name}: more than one version`),
    ...tolerated
      .filter((name) => !found.includes(name))
      .map((name) => `${path}: ${name}: one version alone, and yet excused in scripts/support/dependencies.js`),
  ]
}

/** @param {string} folder */
function licenceOf(folder) {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return undefined
  const { license, licenses } = JSON.parse(readFileSync(path, 'utf8'))
  return license ?? licenses?.[0]?.type
}

/** @param {{ name: string, version: string }[]} packages */
function repeated(packages) {
  /** @type {Map<string, Set<string>>} */
  const versions = new Map()
  for (const { name, version } of packages) versions.set(name, (versions.get(name) ?? new Set()).add(version))
  return [...versions].filter(([, found]) => found.size > 1).map(([name]) => name)
}

/** @param {string} folder */
function reasonFaults(folder) {
  const wanted = new Map([...directCrates(folder), ...directPackages(folder)])
  const lines = new Set(reasons(readFileSync(join(folder, 'ARCHITECTURE.md'), 'utf8')))
  return [
    ...[...wanted]
      .filter(([name]) => !lines.has(name))
      .map(([name, path]) => `${path}: ${name} has no line under "Dependencies" in ARCHITECTURE.md on what it is for`),
    ...[...lines]
      .filter((name) => !wanted.has(name))
      .map((name) => `ARCHITECTURE.md: ${name} has a line under "Dependencies", and nothing depends on it`),
  ]
}

/** @param {string} folder @returns {[name: string, manifest: string][]} */
function directCrates(folder) {
  const manifests = files('.', folder).filter((path) => path.endsWith('Cargo.toml'))
  return manifests.flatMap((path) => {
    const found = metadata('--no-deps', '--manifest-path', join(folder, path)).packages
    const own = found.find(({ manifest_path }) => manifest_path === join(folder, path))
    const foreign = own?.dependencies.filter((dependency) => dependency.path === undefined) ?? []
    return foreign.map(({ name }) => /** @type {[string, string]} */ ([name, path]))
  })
}

/** @param {string} folder @returns {[name: string, manifest: string][]} */
function directPackages(folder) {
  const manifests = files('.', folder).filter((path) => path.endsWith('package.json'))
  return manifests.flatMap((path) => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, path), 'utf8'))
    return Object.keys({ ...dependencies, ...devDependencies }).map(
      (name) => /** @type {[string, string]} */ ([name, path]),
    )
  })
}

/** The names in the first column of the tables of that section. @param {string} text */
function reasons(text) {
  const section = text.match(/^## Dependencies\n([\s\S]*?)(?=^## |(?![\s\S]))/m)?.[1] ?? ''
  const rows = [...section.matchAll(/^\| (?!-)(.*?) \| \S.*\|$\n(?!\| -)/gm)]
  return rows.flatMap(([, names]) => names.split(', '))
}
