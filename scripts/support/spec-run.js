/** One spec file on one Node, and what its runner says of it. */
import { spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { root } from './run.js'

/** Milliseconds after which a file is ended; its own watchdogs come first. */
const LIMIT = 600_000

/**
 * @typedef {object} Outcome
 * @property {number} passed Tests.
 * @property {number} failed 1 at least where the file did not come to its end.
 * @property {number} skipped
 * @property {number} seconds
 */

/**
 * @param {string} binary
 * @param {string} spec
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Outcome & { output: string }>}
 */
export async function runSpec(binary, spec, env) {
  const { NODE_TEST_CONTEXT, ...ours } = process.env
  const start = performance.now()
  const child = spawn(binary, ['--test', '--test-concurrency=1', '--test-reporter=tap', spec], {
    cwd: root,
    // Whatever looks for `node` finds the same one.
    env: { ...ours, PATH: `${dirname(binary)}${delimiter}${ours.PATH}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT,
    killSignal: 'SIGKILL',
  })
  const { status, output } = await ended(child)
  const count = (/** @type {string} */ name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  const failed = count('fail') + count('cancelled')
  return {
    passed: count('pass'),
    failed: status === 0 ? failed : Math.max(1, failed),
    skipped: count('skipped') + count('todo'),
    seconds: Number(((performance.now() - start) / 1000).toFixed(1)),
    output,
  }
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @returns {Promise<{ status: number | null, output: string }>}
 */
function ended(child) {
  return new Promise((settle, fail) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    child.on('error', fail)
    child.on('close', (status) => settle({ status, output }))
  })
}
