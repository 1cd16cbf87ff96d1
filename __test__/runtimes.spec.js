/**
 * The pipe spec and the worker-end spec on the other runtimes that npm has, each by its own test runner; and each class once,
 * which is the table in docs/runtimes.md.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as all from '../index.js'
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

    test('signals are received, or refused', { ...needs('runtimes'), timeout: 60_000 }, async ({ signal }) => {
      const { status, output } = await runFixture(runtime, 'signals-everywhere.js', signal)
      assert.deepEqual({ status, output: output.trim() }, { status: 0, output: 'well' })
    })
  })
}

describe('each class', () => {
  const page = readFileSync(new URL('../docs/runtimes.md', import.meta.url), 'utf8')
  const [head, , ...rows] =
    page
      .match(/^\| class \|.*\n(?:\|.*\n)+/m)?.[0]
      .trimEnd()
      .split('\n')
      .map(cellsOf) ?? []

  // This one, whichever of the versions of Node it is, and all others.
  const here = { name: `node-${process.versions.node.split('.')[0]}`, kind: /** @type {const} */ ('node') }
  const others = runtimes.filter(({ name }) => name !== here.name)
  for (const runtime of [here, ...others]) {
    const wanted = runtime === here ? {} : needs('runtimes')
    test(`works on ${runtime.name}, or says that it does not, as the guide tells`, {
      ...wanted,
      timeout: 60_000,
    }, async (t) => {
      const { status, output } = await runFixture(runtime, 'every-class.js', t.signal)
      assert.equal(status, 0, output)
      const column = head.findIndex(
        (title) =>
          runtime.name ===
          title
            .toLowerCase()
            .replace(' ', '-')
            .replace(/(bun|deno)-.*/, '$1'),
      )
      const told = rows.map((row) => [row[0], row[column] === '✓' ? 'works' : row[column].replaceAll('`', '')])
      assert.deepEqual(Object.fromEntries(told), JSON.parse(output))
    })
  }

  test('is in the table, and so are the versions that were tried', () => {
    const named = new Set(rows.flatMap(([cell]) => [...cell.matchAll(/`(\w+)[\w.]*`/g)].map(([, name]) => name)))
    const parts = ['Handle', 'ftok', 'RpcError', 'SignalReceiver', 'SocketMessage']
    assert.deepEqual(
      Object.keys(all).filter((name) => !named.has(name) && !parts.includes(name)),
      [],
    )
    const versions = runtimes.map(({ spec }) => spec.slice(spec.lastIndexOf('@') + 1).split('.'))
    const titles = versions.map(([major, minor], i) =>
      runtimes[i].kind === 'node' ? `Node ${major}` : `${major}.${minor}`,
    )
    for (const title of titles)
      assert.ok(
        head.some((cell) => cell.endsWith(title)),
        title,
      )
  })
})

/** @param {string} line */
function cellsOf(line) {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
}

/**
 * @param {{ name: string, kind: 'node' | 'bun' | 'deno' }} runtime
 * @param {string} fixture
 * @param {AbortSignal} signal
 */
function runFixture(runtime, fixture, signal) {
  const path = `./__test__/fixtures/${fixture}`
  const words = runtime.kind === 'deno' ? ['run', '--allow-all', '--no-check', '--no-lock', path] : [path]
  return run('spec' in runtime ? binaryOf(/** @type {any} */ (runtime)) : process.execPath, words, signal)
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
