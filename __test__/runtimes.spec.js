/** The pipe spec and the worker-end spec on the other runtimes that npm has, each by its own test runner; and each class once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { binaryOf, runtimes } from '../scripts/support/runtimes.js'
import { needs } from './support/extras.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const specs = ['__test__/pipe.spec.js', '__test__/lifecycle.spec.js']

/** How each runs a file of node:test, and what its runner says of the tests that passed. */
const runners = {
  node: { args: ['--test', '--test-reporter=tap'], passed: /^# pass (\d+)$/m },
  bun: { args: ['test', '--timeout=60000'], passed: /^ *(\d+) pass$/m },
  deno: { args: ['test', '--allow-all', '--no-check', '--no-lock'], passed: /^ok \| (\d+) passed/m },
}

for (const runtime of runtimes) {
  describe(`on ${runtime.name}`, () => {
    for (const spec of specs) {
      test(`${spec} passes`, { ...needs('runtimes'), timeout: 120_000 }, async ({ signal }) => {
        const { args, passed } = runners[runtime.kind]
        const { status, output } = await run(binaryOf(runtime), [...args, `./${spec}`], signal)
        const tail = output.split('\n').slice(-100).join('\n')
        assert.equal(status, 0, tail)
        assert.ok(Number(output.match(passed)?.[1]) > 0, tail)
      })
    }

    for (const [title, fixture] of [
      ['signals are received, or refused', 'signals-everywhere.js'],
      ['each class works', 'every-class.js'],
    ]) {
      test(title, { ...needs('runtimes'), timeout: 60_000 }, async ({ signal }) => {
        const path = `./__test__/fixtures/${fixture}`
        const words = runtime.kind === 'deno' ? ['run', '--allow-all', '--no-check', '--no-lock', path] : [path]
        const { status, output } = await run(binaryOf(runtime), words, signal)
        assert.deepEqual({ status, output: output.trim() }, { status: 0, output: 'well' })
      })
    }
  })
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {AbortSignal} signal
 * @returns {Promise<{ status: number | null, output: string }>}
 */
function run(command, args, signal) {
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const child = spawn(command, args, { cwd: root, env: { ...env, NO_COLOR: '1' }, signal, killSignal: 'SIGKILL' })
  return new Promise((settle, fail) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    child.on('error', fail)
    child.on('close', (status) => settle({ status, output }))
  })
}
