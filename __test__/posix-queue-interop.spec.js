/** POSIX message queues against programs that are not ours: a C program, and Python's posix_ipc. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { before, describe, test } from 'node:test'
import { needs, python } from './support/extras.js'
import { newFolder } from './support/folder.js'
import { compile, STRICT, source } from './support/interop.js'
import { closeQueuesAfter, namedQueue, newQueue } from './support/posix.js'
import { flags } from './support/state.js'

const COUNT = 100_000
const PRIORITIES = 7
const O_NONBLOCK = 0o4000

/** Message `number` of the programs in interop/. @param {number} number */
function numbered(number) {
  return { priority: number % PRIORITIES, text: `${number}:${'x'.repeat(number % 50)}` }
}

closeQueuesAfter()

/** @type {Array<{ name: string, extras: string[], command: string[] }>} */
const peers = [
  { name: 'a C program', extras: [], command: [] },
  { name: 'posix_ipc', extras: ['python'], command: [python, source('posix_queue.py')] },
]

describe('a POSIX queue', { timeout: 240_000 }, () => {
  const folder = newFolder()
  before(() => {
    peers[0].command = [compile('posix-queue.c', folder, STRICT, ['-lrt'])]
  })

  /** @param {string[]} command @param {...(string | number)} words */
  function start([program, ...own], ...words) {
    const child = spawn(program, [...own, ...words.map(String)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    })
    return Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  }

  /** @param {[any[], string, string]} outcome */
  const succeeded = ([[code, signal], , stderr]) =>
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })

  test(
    'waits by blocking although another process has made its description non-blocking',
    needs('python'),
    async () => {
      const queue = newQueue()
      const code = `
import os, time
os.set_blocking(3, False)
print("done", flush=True)
os.read(0, 1)
time.sleep(0.1)
import ctypes
ctypes.CDLL(None).mq_send(3, b"late", 4, 1)
`
      const child = spawn(python, ['-c', code], { stdio: ['pipe', 'pipe', 'inherit', queue.fd] })
      const { stdin, stdout } = /** @type {any} */ (child)
      await once(stdout, 'data')
      assert.notEqual(flags('self', queue.fd) & O_NONBLOCK, 0)
      assert.throws(() => queue.recvSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
      assert.equal(queue.tryRecv(), undefined)
      stdin.end('go')
      const { data, priority } = queue.recvSync()
      assert.deepEqual([String(data), priority], ['late', 1])
      await once(child, 'close')
    },
  )

  for (const { name, extras, command } of peers) {
    /** @param {(queue: ReturnType<typeof namedQueue>, run: (what: string) => ReturnType<typeof start>) => Promise<void>} body */
    const withQueue = (body) => async () => {
      const queue = namedQueue({ maxMessages: 4, maxMessageSize: 64 })
      try {
        const own = name === 'a C program' ? peers[0].command : command
        await body(queue, (what) => start(own, what, queue.name, COUNT))
        assert.equal(queue.size, 0)
      } finally {
        queue.unlink()
      }
    }

    test(
      `receives ${COUNT} messages of ${name}, none lost, priorities intact`,
      needs(...extras),
      withQueue(async (queue, run) => {
        const running = run('send')
        const next = Array.from({ length: PRIORITIES }, (_, priority) => priority)
        for (let index = 0; index < COUNT; index++) {
          const { data, priority } = index % 100 === 0 ? queue.recvSync() : await queue.recv()
          assert.deepEqual({ priority, text: String(data) }, numbered(next[priority]))
          next[priority] += PRIORITIES
        }
        succeeded(await running)
      }),
    )

    test(
      `sends ${COUNT} messages to ${name}, none lost, priorities intact`,
      needs(...extras),
      withQueue(async (queue, run) => {
        const running = run('receive')
        for (let index = 0; index < COUNT; index++) {
          const { priority, text: data } = numbered(index)
          if (index % 100 === 0) queue.sendSync(data, { priority })
          else await queue.send(data, { priority })
        }
        succeeded(await running)
      }),
    )
  }
})
