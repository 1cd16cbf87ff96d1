/** The registry: what killed processes have made for themselves goes, and nothing else does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Fifo } from '../index.js'
import { fixture, start } from './support/child.js'
import { inside } from './support/inside.js'

const registry = inside['registry.js']

const owners = Number(process.env.OS_IPC_ROUNDS ?? 50)
const limit = { timeout: 60_000 + owners * 1000 }

// The addon looks for the folder once, when it needs it first: here, and in each process that is started.
const runTime = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
process.env.XDG_RUNTIME_DIR = runTime
const entries = join(runTime, 'os-ipc')
const things = join(runTime, 'things')
beforeEach(() => {
  rmSync(entries, { recursive: true, force: true })
  rmSync(things, { recursive: true, force: true })
  mkdirSync(things)
})
after(() => rmSync(runTime, { recursive: true }))

const { forget, record } = registry

/** What is none of this spec's may be swept too, wherever it stands. @param {Parameters<typeof registry.cleanup>} options */
const cleanup = (...options) => registry.cleanup(...options).filter(isOurs)

/** @param {{ name: string }} removed */
const isOurs = ({ name }) => name.startsWith(things)

/** A process that has made a FIFO and a socket. */
async function owner() {
  // Those that live on see all the others come and go.
  const child = start(fixture('registry-own.js'), [things], { stdin: 'pipe', patience: limit.timeout })
  await child.says('ready')
  return child
}

/** @param {string[]} words @param {Record<string, string>} [env] */
function cleaner(words = [], env = {}) {
  return start(fixture('registry-clean.js'), words, { stdin: 'pipe', env })
}

/** @param {Awaited<ReturnType<typeof cleaner>>} child */
async function told(child) {
  const told = JSON.parse((await child.succeeded()).split('\n')[1])
  return Array.isArray(told) ? told.filter(isOurs) : told
}

const left = () => ({ entries: existsSync(entries) ? readdirSync(entries).length : 0, things: readdirSync(things) })

/** @param {{ pid: number }} child */
const thingsOf = ({ pid }) => [`fifo-${pid}`, `socket-${pid}`]

describe('cleanup', () => {
  test('removes what a killed process has made, and dryRun only tells', limit, async () => {
    const child = await owner()
    assert.deepEqual(cleanup(), [])
    await child.kill()
    const told = cleanup({ dryRun: true })
    assert.deepEqual(left().things.sort(), thingsOf(child))
    assert.deepEqual(
      told.map(({ kind, name, uid }) => ({ kind, name, uid })),
      ['fifo', 'socket'].map((kind) => ({ kind, name: join(things, `${kind}-${child.pid}`), uid: process.getuid?.() })),
    )
    assert.equal(told[0].mode, 0o600)
    assert.deepEqual(cleanup(), told)
    assert.deepEqual(left(), { entries: 0, things: [] })
    assert.deepEqual(cleanup(), [])
  })

  test(`leaves nothing of ${owners} killed processes and takes nothing from living ones`, limit, async () => {
    for (let killed = 0; killed < owners; killed += 50) {
      const living = await Promise.all([owner(), owner(), owner()])
      for (let batch = 0; batch < 5; batch++) {
        const doomed = await Promise.all(Array.from({ length: 10 }, owner))
        await Promise.all(doomed.map((child) => child.kill()))
      }
      assert.equal(left().entries, 50 + living.length)
      assert.equal(cleanup().length, 2 * 50)
      assert.deepEqual(left(), { entries: living.length, things: living.flatMap(thingsOf).sort() })
      // They take back by themselves what is theirs.
      for (const child of living) child.process.stdin?.end()
      await Promise.all(living.map((child) => child.succeeded()))
      assert.deepEqual(left(), { entries: 0, things: [] })
    }
  })

  test('does not take a stopped process for a dead one', limit, async () => {
    const child = await owner()
    process.kill(child.pid, 'SIGSTOP')
    assert.deepEqual(cleanup(), [])
    assert.deepEqual(left(), { entries: 1, things: thingsOf(child) })
    process.kill(child.pid, 'SIGCONT')
    child.process.stdin?.end()
    await child.succeeded()
    assert.deepEqual(left(), { entries: 0, things: [] })
  })

  test('removes each thing once when several processes clean up at the same time', limit, async () => {
    for (let round = 0; round < 3; round++) {
      const doomed = await Promise.all([owner(), owner(), owner()])
      const cleaners = [1, 2].map(() => cleaner(['when-told']))
      await Promise.all(cleaners.map((child) => child.says('ready')))
      await Promise.all(doomed.map((child) => child.kill()))
      for (const child of cleaners) child.tell('go')
      const removed = await Promise.all(cleaners.map(told))
      const names = removed.flat().map(({ name }) => name)
      assert.equal(new Set(names).size, names.length)
      // One that has looked while the other one was at it leaves that to it, and both may meet so.
      assert.equal(names.length + cleanup().length, 6)
      assert.deepEqual(left(), { entries: 0, things: [] })
    }
  })

  test('never removes what the user has named', limit, async () => {
    const path = join(things, 'named')
    const child = start('--eval', [
      `import('${new URL('../index.js', import.meta.url)}').then(({ Fifo }) => {
        Fifo.create('${path}')
        process.kill(process.pid, 'SIGKILL')
      })`,
    ])
    assert.equal((await child.outcome).signal, 'SIGKILL')
    assert.deepEqual(cleanup(), [])
    assert.deepEqual(left().things, ['named'])
  })

  test('checks its options', () => {
    for (const options of [null, 1, 'yes', []]) {
      assert.throws(() => cleanup(/** @type {any} */ (options)), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const dryRun of [null, 0, 'yes', {}]) {
      assert.throws(() => cleanup({ dryRun: /** @type {any} */ (dryRun) }), { code: 'ERR_INVALID_ARG_TYPE' })
    }
  })
})

describe('an entry', () => {
  test('stands while something is recorded, for this user alone', () => {
    record('fifo', join(things, 'a'))
    record('fifo', join(things, 'a'))
    record('file', join(things, 'b'))
    assert.equal(left().entries, 1)
    forget('fifo', join(things, 'a'))
    forget('fifo', join(things, 'never'))
    assert.equal(left().entries, 1)
    forget('file', join(things, 'b'))
    assert.equal(left().entries, 0)
  })

  test('lists what a worker has made until the process ends', limit, async () => {
    const path = join(things, 'of-worker')
    const source = `
      import('${new URL('support/inside.js', import.meta.url)}').then(({ inside }) => inside['registry.js'].record('fifo', '${path}'))`
    await once(new Worker(source, { eval: true }), 'exit')
    Fifo.create(path)
    assert.deepEqual(await told(cleaner()), [])
    assert.deepEqual(left(), { entries: 1, things: ['of-worker'] })
    forget('fifo', path)
    assert.equal(left().entries, 0)
  })

  test('is held by its process and by no child of it', limit, async () => {
    const script = `
      import { spawn } from 'node:child_process'
      import { Fifo } from '${new URL('../index.js', import.meta.url)}'
      import { inside } from '${new URL('support/inside.js', import.meta.url)}'
      inside['registry.js'].record('fifo', '${join(things, 'left')}')
      Fifo.create('${join(things, 'left')}')
      console.log(spawn('sleep', ['60'], { stdio: 'ignore', detached: true }).pid)
      process.kill(process.pid, 'SIGKILL')`
    const { signal, stdout } = await start('--input-type=module', ['--eval', script]).outcome
    try {
      assert.equal(signal, 'SIGKILL')
      assert.equal(cleanup().length, 1)
    } finally {
      process.kill(Number(stdout), 'SIGKILL')
    }
  })
})

describe('a folder of entries that others may have had their hands in', () => {
  /** @param {string} name @param {(path: string) => void} prepare @param {RegExp} reason @param {boolean} [skip] */
  function refused(name, prepare, reason, skip = false) {
    test(`is refused: ${name}`, { ...limit, skip }, async () => {
      const home = mkdtempSync(join(runTime, 'home-'))
      const path = join(home, 'os-ipc')
      prepare(path)
      const { code, message, hint, ...error } = await told(cleaner([], { XDG_RUNTIME_DIR: home }))
      assert.deepEqual({ code, path: error.path }, { code: 'ERR_IPC_UNTRUSTED_OWNER', path })
      assert.match(message, reason)
      assert.match(hint, /remove it/)
    })
  }

  refused('a symbolic link', (path) => symlinkSync(things, path), /is a symbolic link/)
  refused('a file', (path) => writeFileSync(path, ''), /is no folder/)
  refused(
    'open to others',
    (path) => {
      mkdirSync(path)
      chmodSync(path, 0o755)
    },
    /its mode is 0755 where only 0700/,
  )
  refused(
    'of another user',
    (path) => {
      mkdirSync(path, { mode: 0o700 })
      chownSync(path, 65_534, 65_534)
    },
    /belongs to uid 65534/,
    process.getuid?.() !== 0,
  )

  test('is not looked for where the run-time folder is not this user’s alone', limit, async () => {
    const home = mkdtempSync(join(runTime, 'home-'))
    symlinkSync(things, join(home, 'os-ipc'))
    chmodSync(home, 0o755)
    assert.ok(Array.isArray(await told(cleaner([], { XDG_RUNTIME_DIR: home }))))
  })
})
