/**
 * Builds the addon for other machines than this one, by cargo-zigbuild and the zig that PyPI has: a C compiler and linker
 * for every target, with glibc 2.17 as the floor instead of this machine's. They live in a virtual environment under
 * target/. Rust's own library for another target comes from `rustup target add`, or is built from `rust-src` if that is
 * all there is.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask, Complaint, root, run } from './run.js'

const tools = join(root, 'target/zig')
const floor = '2.17'

/** Where the addons for other machines are put. */
export const crossFolder = 'target/cross'

/** @param {import('./platforms.js').Platform} platform */
export function buildFor({ name, target }) {
  installZig()
  const fromSource = library(target) === 'source'
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PATH: `${join(tools, 'bin')}:${process.env.PATH}` }
  if (target.endsWith('musl')) env.RUSTFLAGS = '-C target-feature=-crt-static -C link-self-contained=no'
  if (fromSource) env.RUSTC_BOOTSTRAP = '1'
  // A folder of its own: cargo does not notice that another linker made what it finds.
  const folder = join(root, 'target/cross-build')
  const exact = target.endsWith('gnu') ? `${target}.${floor}` : target
  const options = ['--release', '--lib', '--package', 'os-ipc', '--target', exact, '--target-dir', folder]
  run('cargo', ['zigbuild', ...options, ...(fromSource ? ['-Zbuild-std=std,panic_unwind'] : [])], { env })
  mkdirSync(join(root, crossFolder), { recursive: true })
  copyFileSync(join(folder, target, 'release/libos_ipc.so'), join(root, crossFolder, `os-ipc.${name}.node`))
}

function installZig() {
  if (existsSync(join(tools, 'bin/cargo-zigbuild'))) return
  run('python3', ['-m', 'venv', tools])
  run(join(tools, 'bin/pip'), ['install', '--quiet', 'cargo-zigbuild==0.24.0', 'ziglang==0.17.1'])
}

/**
 * Where Rust's library for a target is to come from.
 * @param {string} target
 */
function library(target) {
  const folder = ask('rustc', ['--print', 'target-libdir', '--target', target])
  if (folder && existsSync(folder)) return 'toolchain'
  const sources = join(ask('rustc', ['--print', 'sysroot']) ?? '', 'lib/rustlib/src/rust/library')
  if (existsSync(sources)) return 'source'
  throw new Complaint(`Rust's library for ${target} is missing: \`rustup target add ${target}\` brings it`)
}
