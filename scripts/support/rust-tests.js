/** The Rust tests of a package, as programs that are built in some way. */
import { spawnSync } from 'node:child_process'
import { root } from './run.js'

/**
 * @param {{ of?: string, env?: NodeJS.ProcessEnv, args?: string[] }} how
 * @returns {{ name: string, file: string }[] | string} the programs, or why there are none
 */
export function builtTests({ of = 'os-ipc-core', env = process.env, args = [] }) {
  const command = ['test', '--package', of, '--no-run', '--message-format=json', ...args]
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

/** How many tests have passed, also of a program that was ended among them. @param {string} output */
export function passedIn(output) {
  return [...output.matchAll(/^test \S.* \.\.\. (?:.*\n)??ok$/gm)].length
}
