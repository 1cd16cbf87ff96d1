/**
 * Builds the addon through napi's own command line, into target/, and copies from there: another process may have the
 * present one mapped, so a file at the root is replaced, never written into.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ask, root, run } from './run.js'
import { fingerprint, stamp } from './stamp.js'

const sources = ['Cargo.toml', 'Cargo.lock', 'build.rs', 'src', 'core/Cargo.toml', 'core/src']

/** What napi generates and the repository holds. */
export const generated = ['native.cjs', 'native.d.ts']

/** Where the last build put what it generates. */
export const buildFolder = 'target/addon'

/** The addon whose panics and kills can be asked for; only tests load it, by OS_IPC_NATIVE. `npm run coverage` has its own. */
export const faultFolder = process.env.OS_IPC_FAULT_FOLDER ?? 'target/fault-inject'

/** The addon that AddressSanitizer watches over. */
export const sanitizedFolder = 'target/sanitize'

/**
 * Builds the addon for this machine if its sources have changed, and puts it where it is looked for.
 * @param {{ force?: boolean }} [options]
 */
export function buildAddon({ force = false } = {}) {
  build('addon', buildFolder, ['--js', 'native.cjs', '--dts', 'native.d.ts'], force)
  const addon = addonIn(buildFolder)
  install(addon)
  // So that `npm pack ./npm/PLATFORM` works too.
  install(addon, join('npm', basename(addon).split('.')[1]))
  for (const name of generated) if (!existsSync(join(root, name))) install(join(buildFolder, name))
}

/** Takes over what the last build generated: the one way in which native.cjs and native.d.ts change. */
export function updateGenerated() {
  for (const name of generated) install(join(buildFolder, name))
}

/** @param {{ force?: boolean }} [options] */
export function buildFaultInject({ force = false } = {}) {
  build('fault-inject', faultFolder, ['--no-js', '--features', 'fault-inject', '--dts', 'native.d.ts'], force)
}

/** The stable compiler has AddressSanitizer with it, but not for everybody. @param {{ force?: boolean }} [options] */
export function buildSanitized({ force = false } = {}) {
  const target = /host: (.*)/.exec(ask('rustc', ['-vV']) ?? '')?.[1] ?? ''
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address' }
  const options = ['--no-js', '--target', target, '--target-dir', 'target/sanitized', '--dts', 'native.d.ts']
  build('sanitize', sanitizedFolder, options, force, env)
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {string[]} options
 * @param {boolean} force
 * @param {NodeJS.ProcessEnv} [env]
 */
function build(name, folder, options, force, env = process.env) {
  const made = stamp(name)
  const { version, napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const compiler = [ask('rustc', ['-vV']), process.env.RUSTFLAGS]
  const now = fingerprint(sources, JSON.stringify([version, napi, compiler, options]))
  if (!force && made.is(now) && existsSync(join(root, folder)) && addonIn(folder)) return
  mkdirSync(join(root, folder), { recursive: true })
  run('node_modules/.bin/napi', ['build', '--platform', '--release', '--output-dir', folder, ...options], { env })
  made.set(now)
}

/** @param {string} folder */
function addonIn(folder) {
  const name = readdirSync(join(root, folder)).find((entry) => entry.endsWith('.node'))
  return name ? join(folder, name) : ''
}

/**
 * @param {string} path Below the root.
 * @param {string} [folder] Below the root, too.
 */
function install(path, folder = '.') {
  const [made, target] = [readFileSync(join(root, path)), join(root, folder, basename(path))]
  if (existsSync(target) && readFileSync(target).equals(made)) return
  const fresh = join(dirname(target), `.${basename(path)}.${process.pid}`)
  writeFileSync(fresh, made, { mode: 0o644 })
  renameSync(fresh, target)
}
