/** POSIX semaphores against programs that are not ours: a C program, and Python's posix_ipc. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { before, describe, test } from 'node:test'
import { PosixSemaphore, SharedMemory } from '../index.js'
import { needs, python } from './support/extras.js'
import { newFolder } from './support/folder.js'
import { compile, STRICT, source } from './support/interop.js'
import { withNamed } from './support/semaphores.js'

const COUNT = process.env.CI === 'true' ? 50_000 : 5000

describe('a POSIX semaphore', { timeout: 120_000 }, () => {
  const folder = newFolder()
  let program = ''
  before(() => {
    program = compile('posix-semaphore.c', folder, STRICT, ['-pthread', '-lrt'])
  })

  /** @param {string[]} command */
  function start([name, ...words]) {
    const child = spawn(name, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' })
    const outcome = Promise.all([once(child, 'close'), text(child.stderr)])
    return {
      /** Its first line. */
      said: once(createInterface({ input: child.stdout }), 'line').then(([line]) => line),
      async succeeded() {
        const [[code, signal], stderr] = await outcome
        assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      },
    }
  }

  /** @type {Array<[string, string[], () => string[]]>} */
  const peers = [
    ['a C program', [], () => [program]],
    ['posix_ipc', ['python'], () => [python, source('posix_semaphore.py')]],
  ]

  for (const [name, extras, command] of peers) {
    test(`goes to and fro with ${name} ${COUNT} times, in every form`, needs(...extras), () =>
      withNamed(0, (theirs) =>
        withNamed(0, async (ours) => {
          const peer = start([...command(), 'echo', theirs.name, ours.name, String(COUNT)])
          for (let index = 0; index < COUNT; index++) {
            theirs.release()
            if (index % 3 === 0) await ours.acquire()
            else if (index % 3 === 1) ours.acquireSync({ timeout: 20_000 })
            else {
              await ours.with(() => {})
              assert.ok(ours.tryAcquire())
            }
          }
          await peer.succeeded()
          assert.deepEqual([theirs.value, ours.value], [0, 0])
        }),
      ),
    )
  }

  test('that posix_ipc has made is opened with its value', needs('python'), async () => {
    const name = `/os-ipc-spec-${process.pid}`
    try {
      const peer = start([python, source('posix_semaphore.py'), 'make', name, '3'])
      assert.equal(await peer.said, 'made 3')
      const semaphore = PosixSemaphore.open(name)
      semaphore.release()
      await peer.succeeded()
      assert.equal(semaphore.value, 0)
      semaphore.close()
    } finally {
      PosixSemaphore.unlink(name)
    }
  })

  /** @param {(memory: SharedMemory, path: string) => Promise<void>} body */
  async function withMemory(body) {
    const memory = SharedMemory.open(null, { create: true, size: 4096 })
    try {
      await body(memory, `/dev/shm${memory.name}`)
    } finally {
      memory.unlink()
      memory.close()
    }
  }

  test('in memory keeps a C program and this one apart', () =>
    withMemory(async (memory, path) => {
      const lock = PosixSemaphore.inMemory(memory, 0, { initialize: 1 })
      const peers = [1, 2].map(() => start([program, 'count', path, String(COUNT)]))
      const word = new Int32Array(memory.buffer, 64, 1)
      for (let index = 0; index < COUNT; index++) {
        if (index % 10 === 0) await lock.acquire()
        else lock.acquireSync()
        const seen = word[0]
        if (index % 64 === 1) await new Promise(setImmediate)
        word[0] = seen + 1
        lock.release()
      }
      for (const peer of peers) await peer.succeeded()
      assert.equal(word[0], 3 * COUNT)
      assert.equal(lock.value, 1)
      lock.close()
    }))

  test('that a C program has made in memory is used with its value', () =>
    withMemory(async (memory, path) => {
      const peer = start([program, 'init', path, '2'])
      assert.equal(await peer.said, 'made')
      const semaphore = PosixSemaphore.inMemory(memory, 128)
      semaphore.release()
      await peer.succeeded()
      assert.equal(semaphore.value, 0)
      semaphore.close()
    }))
})
