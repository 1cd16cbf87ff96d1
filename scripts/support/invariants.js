/** What has to stay true of the sources, as ARCHITECTURE.md states it. Each rule gives one line for each breach. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildFolder, generated } from './addon.js'
import { root } from './run.js'
import { files } from './stamp.js'

/** @param {{ folder?: string }} [options] Another tree to look at, for the rules' own tests. */
export function breaches({ folder = root } = {}) {
  const rust = files('.', folder)
    .filter((path) => path.endsWith('.rs'))
    .map((path) => ({ path, code: codeOf(readFileSync(join(folder, path), 'utf8')) }))
  return [...rust.flatMap(breachesIn), ...copies(folder), ...manifestBreaches(folder)]
}

/** Where generated files differ from what the last build has generated. */
export function staleGenerated() {
  return generated
    .filter((name) => readFileSync(join(root, name), 'utf8') !== readFileSync(join(root, buildFolder, name), 'utf8'))
    .map((name) => `${name} is stale: \`npm run build\` writes it, then commit it`)
}

/** @typedef {{ path: string, code: string }} Source */

const mayBeUnsafe = /^(core\/(src\/(sys|ring)|tests|models|benches|fuzz)\/|src\/(raw|reactor\/uv)\.rs$)/
const mayCallSystem = /^(core\/|src\/reactor\/uv\.rs$)/

/** @param {Source} source */
function breachesIn(source) {
  const { path } = source
  const inBinding = path.startsWith('src/')
  return [
    ...(mayBeUnsafe.test(path)
      ? []
      : matches(source, /\bunsafe\b/g, 'unsafe is for core/src/sys, core/src/ring, src/raw.rs and src/reactor/uv.rs')),
    ...(path.startsWith('core/') ? matches(source, /\bnapi\w*/g, 'core knows nothing of Node') : []),
    ...(mayCallSystem.test(path) ? [] : matches(source, /\b(libc|nix)::/g, 'the binding makes no system calls')),
    ...(inBinding ? uncaught(source) : []),
  ]
}

/**
 * Exported functions that would let a panic unwind into JavaScript.
 * @param {Source} source
 */
function uncaught(source) {
  const exported =
    /#\[napi(?:\(([^\]]*)\))?\](?:\s*#\[[^\]]*\])*\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:unsafe\s+)?fn\b/g
  return [...source.code.matchAll(exported)]
    .filter((match) => !/\b(catch_unwind|module_exports)\b/.test(match[1] ?? ''))
    .map((match) => `${at(source, match.index)}: #[napi] functions need catch_unwind`)
}

/**
 * Imports of what lib/whole.js hands out from where it stands: a second copy, which does not know what the first has opened.
 * @param {string} folder
 */
function copies(folder) {
  const path = join(folder, 'lib/whole.js')
  if (!existsSync(path)) return []
  const modules = [...readFileSync(path, 'utf8').matchAll(/^ {2}'(.*)':/gm)].map(([, name]) => name)
  const imported = new RegExp(`(?:from|import|import\\() ?'(?:\\.\\./)+lib/(${modules.join('|')})'`, 'g')
  return ['__test__', 'bench', 'examples', 'scripts']
    .flatMap((area) => files(area, folder))
    .filter((name) => /\.m?js$/.test(name))
    .map((name) => ({ path: name, code: readFileSync(join(folder, name), 'utf8') }))
    .flatMap((source) => matches(source, imported, '__test__/support/inside.js has the copy that is in use'))
}

/** @param {string} folder */
function manifestBreaches(folder) {
  const core = readFileSync(join(folder, 'core/Cargo.toml'), 'utf8')
  const problems = /^\s*napi/m.test(core) ? ['core/Cargo.toml: core knows nothing of Node'] : []
  const { version, optionalDependencies } = manifest(folder, 'package.json')
  if (optionalDependencies) problems.push('package.json: optional dependencies are written when packing, not here')
  for (const path of files('npm', folder).filter((name) => name.endsWith('package.json'))) {
    const theirs = manifest(folder, path).version
    if (theirs !== version) problems.push(`${path}: version ${theirs} is not the package's ${version}`)
  }
  const crates = readFileSync(join(folder, 'Cargo.toml'), 'utf8').match(/^version = "(.*)"/m)?.[1]
  if (crates !== version) problems.push(`Cargo.toml: version ${crates} is not the package's ${version}`)
  return problems
}

/**
 * @param {string} folder
 * @param {string} path
 */
function manifest(folder, path) {
  return JSON.parse(readFileSync(join(folder, path), 'utf8'))
}

/**
 * @param {Source} source
 * @param {RegExp} pattern
 * @param {string} rule
 */
function matches(source, pattern, rule) {
  return [...source.code.matchAll(pattern)].map((match) => `${at(source, match.index)}: ${rule}`)
}

/**
 * @param {Source} source
 * @param {number} index
 */
function at({ path, code }, index) {
  return `${path}:${code.slice(0, index).split('\n').length}`
}

/**
 * Rust without its comments and the text of its strings, line by line where it was.
 * @param {string} source
 */
export function codeOf(source) {
  const skipped = /\/\/.*|\/\*[\s\S]*?\*\/|b?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\.[^']*|[^'\\\n])'/g
  return source.replace(skipped, (text) => text.replace(/[^\n]/g, ' '))
}
