/** Locks on files against programs that are not ours: a C program, Python, the flock command. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, before, describe, test } from 'node:test'
import { needs, python } from './support/extras.js'
import { closeAll, newFile, open, waitingFor } from './support/file-locks.js'
import { newFolder } from './support/folder.js'
import { compile, STRICT, source } from './support/interop.js'
import { until } from './support/state.js'

/** @type {Array<{ name: string, extras: string[], command: string[] }>} */
const peers = [
  { name: 'a C program', extras: [], command: [] },
  { name: 'Python', extras: ['python'], command: [python, source('file_lock.py')] },
]
/** Which of their locks ours and theirs keep each other from. */
const conflicts = { ofd: true, posix: true, flock: false }

describe('a lock of a file', { timeout: 120_000 }, () => {
  const folder = newFolder()
  afterEach(closeAll)
  before(() => {
    peers[0].command = [compile('file-lock.c', folder, STRICT)]
  })

  /** @param {string[]} command @param {...(string | number)} words */
  function start([program, ...own], ...words) {
    return spawn(program, [...own, ...words.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })
  }

  /** @param {string[]} command @param {...(string | number)} words */
  async function says(command, ...words) {
    return (await text(start(command, ...words).stdout)).trim()
  }

  for (const peer of peers) {
    for (const [kind, conflicting] of Object.entries(conflicts)) {
      const title = `${conflicting ? 'keeps out' : 'does not see'} a ${kind} lock of ${peer.name}, and the reverse`
      test(title, needs(...peer.extras), async () => {
        const { command } = peer
        const path = newFile(folder)
        const lock = open(path)
        const seen = conflicting ? 'taken' : 'free'

        const guard = lock.lockSync({ start: 10, length: 10 })
        assert.equal(await says(command, 'try', kind, path, 'exclusive', 15, 1), seen)
        assert.equal(await says(command, 'try', kind, path, 'shared', 0, 0), seen)
        if (conflicting) assert.equal(await says(command, 'try', kind, path, 'exclusive', 20, 5), 'free')
        guard.unlock()
        const shared = lock.lockSync({ shared: true })
        assert.equal(await says(command, 'try', kind, path, 'shared', 0, 0), 'free')
        assert.equal(await says(command, 'try', kind, path, 'exclusive', 0, 0), seen)
        shared.unlock()

        const holder = start(command, 'hold', kind, path, 'exclusive', 0, 0)
        await once(holder.stdout, 'data')
        assert.equal(lock.tryLock() === undefined, conflicting)
        const gone = once(holder, 'exit')
        holder.stdin.end()
        await gone
      })
    }

    test(`waits for ${peer.name}, which waits for it`, needs(...peer.extras), async () => {
      const { command } = peer
      const path = newFile(folder)
      const lock = open(path)
      for (const kind of ['ofd', 'posix']) {
        const holder = start(command, 'hold', kind, path, 'exclusive', 0, 0)
        await once(holder.stdout, 'data')
        const waiting = lock.lock({ start: 5 })
        await until(() => waitingFor(path) === 1, 'it waits')
        holder.stdin.end()
        const guard = await waiting
        const waiter = start(command, 'wait', kind, path, 'shared', 5, 1)
        const told = text(waiter.stdout)
        await until(() => waitingFor(path) === 1, 'the other one waits')
        guard.unlock()
        assert.equal((await told).trim(), 'held')
      }
    })
  }

  test('is not what the flock command takes', async () => {
    const path = newFile(folder)
    const guard = open(path).lockSync()
    const { error, status, stdout } = spawnSync('flock', ['-n', path, 'echo', 'in'], { encoding: 'utf8' })
    // Where that command is, which this system may lack, it comes in.
    if (error === undefined) assert.deepEqual({ status, stdout }, { status: 0, stdout: 'in\n' })
    guard.unlock()
  })
})
