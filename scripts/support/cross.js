/**
 * Builds the addon for other machines than this one, by cargo-zigbuild and the zig that PyPI has: a C compiler and linker
 * for every target, with glibc 2.17 as the floor instead of this machine's. They live in a virtual environment under
 * target/; Rust's own library for another target comes from `rustup target add`.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask, root, run } from './run.js'

const tools = join(root, 'target/zig')
const floor = '2.17'

/** Where the addons for other machines are put. */
export const crossFolder = 'target/cross'

/** @param {import('./platforms.js').Platform} platform */
export function buildFor({ name, target }) {
  installZig()
  requireLibrary(target)
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PATH: `${join(tools, 'bin')}:${process.env.PATH}` }
  if (target.endsWith('musl')) env.RUSTFLAGS = `${env.RUSTFLAGS ?? ''} -C target-feature=-crt-static`
  // A folder of its own: cargo does not notice that another linker made what it finds.
  const folder = join(root, 'target/cross-build')
  const exact = target.endsWith('gnu') ? `${target}.${floor}` : target
  run('cargo', ['zigbuild', '--release', '--lib', '--package', 'os-ipc', '--target', exact, '--target-dir', folder], {
    env,
  })
  mkdirSync(join(root, crossFolder), { recursive: true })
  copyFileSync(join(folder, target, 'release/libos_ipc.so'), join(root, crossFolder, `os-ipc.${name}.node`))
}

function installZig() {
  if (existsSync(join(tools, 'bin/cargo-zigbuild'))) return
  run('python3', ['-m', 'venv', tools])
  run(join(tools, 'bin/pip'), ['install', '--quiet', 'cargo-zigbuild==0.24.0', 'ziglang==0.17.1'])
}

/** @param {string} target */
function requireLibrary(target) {
  const folder = ask('rustc', ['--print', 'target-libdir', '--target', target])
  if (folder && existsSync(folder)) return
  throw new Error(`Rust's library for ${target} is missing: \`rustup target add ${target}\` brings it`)
}
