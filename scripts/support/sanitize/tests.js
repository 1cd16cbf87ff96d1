/** The Rust tests of the core, as programs: built in some way, and run under somebody's eyes. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../run.js'

/**
 * @param {{ env?: NodeJS.ProcessEnv, args?: string[] }} how
 * @returns {{ name: string, file: string }[] | string} the programs, or why there are none
 */
export function builtTests({ env = process.env, args = [] }) {
  const command = ['test', '--package', 'os-ipc-core', '--no-run', '--message-format=json', ...args]
  const { status, stdout, stderr } = spawnSync('cargo', command, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) return stderr.split('\n').find((line) => /^error/.test(line)) ?? `cargo ended with ${status}`
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ executable, profile }) => executable && profile?.test)
    .map(({ executable, target }) => ({ name: target.name, file: executable }))
}

/**
 * Runs a program in the folder of the core, for so long at most.
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, ms: number, cwd?: string }} how
 * @returns {Promise<{ status: number | null, output: string, late: boolean }>}
 */
export function watched(file, args, { env = process.env, ms, cwd = join(root, 'core') }) {
  return new Promise((settle, fail) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, ms)
    /** @type {Buffer[]} */
    const chunks = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
    child.on('error', fail)
    child.on('close', (status) => {
      clearTimeout(timer)
      settle({ status, output: Buffer.concat(chunks).toString(), late })
    })
  })
}

/** How many tests passed, of all the summaries in it. @param {string} output */
export function passedIn(output) {
  return [...output.matchAll(/(\d+) passed;/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}
