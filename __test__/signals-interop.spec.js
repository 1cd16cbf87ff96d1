/** Signals between this package and programs that it has no part in: C's sigqueue and sigwaitinfo, Python's os and signal. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { signals } from '../index.js'
import { needs, python } from './support/extras.js'
import { signalsInC } from './support/signals.js'

const options = { timeout: 60_000 }
const script = fileURLToPath(new URL('interop/signals.py', import.meta.url))
const SI_USER = 0
const SI_QUEUE = -1

/** Starts a program that says "ready" and then what it gets. @param {string} command @param {(string | number)[]} words */
async function waiting(command, ...words) {
  const child = spawn(command, words.map(String), { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready')
  const next = async () =>
    String((await lines.next()).value)
      .split(' ')
      .map(Number)
  return { pid: /** @type {number} */ (child.pid), next, exit: once(child, 'exit') }
}

describe('a C program', options, () => {
  test('gets our pid and values by sigwaitinfo, in order', async () => {
    const number = signals.min + 1
    const { pid, next, exit } = await waiting(signalsInC(), 'wait', number, 100)
    for (let value = 0; value < 100; value++) signals.send(pid, 'SIGRTMIN+1', { value: value - 50 })
    for (let value = 0; value < 100; value++) assert.deepEqual(await next(), [SI_QUEUE, process.pid, value - 50])
    assert.deepEqual(await exit, [0, null])
  })

  test('gets what is sent to its one thread', async () => {
    const { pid, next, exit } = await waiting(signalsInC(), 'wait', 10, 1)
    signals.send(pid, 'SIGUSR1', { thread: pid, value: 9 })
    assert.deepEqual(await next(), [SI_QUEUE, process.pid, 9])
    assert.deepEqual(await exit, [0, null])
  })
})

describe('Python', { ...options, ...needs('python') }, () => {
  test('signals us by os.kill', async (t) => {
    const receiver = signals.receive('SIGRTMIN+2')
    t.after(() => receiver.close())
    const child = spawn(python, [script, 'kill', `${process.pid}`, `${signals.min + 2}`, '20'], { stdio: 'inherit' })
    for (let i = 0; i < 20; i++) {
      const { code, pid, value } = await receiver.recv({ timeout: 20_000 })
      assert.deepEqual({ code, pid, value }, { code: 'user', pid: child.pid, value: undefined })
    }
    if (child.exitCode === null) await once(child, 'exit')
  })

  test('gets ours by signal.sigwaitinfo', async () => {
    const { pid, next, exit } = await waiting(python, script, 'wait', 12, 2)
    signals.send(pid, 'SIGUSR2')
    assert.deepEqual(await next(), [12, SI_USER, process.pid])
    signals.send(pid, 'SIGUSR2', { value: 5 })
    assert.deepEqual(await next(), [12, SI_QUEUE, process.pid])
    assert.deepEqual(await exit, [0, null])
  })
})
