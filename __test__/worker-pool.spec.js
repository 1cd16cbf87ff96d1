/** Processes for tasks: what becomes of a task, and of its worker, in good times and bad. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Channel, PosixSemaphore, pipe, SharedMemory, WorkerPool } from '../index.js'
import { fixture, start } from './support/child.js'
import { childrenOf, isAlive, until } from './support/state.js'

const limit = { timeout: 30_000 }
const tasks = fixture('pool-tasks.js')

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
after(() => rmSync(folder, { recursive: true }))

let files = 0
/** A file for a task to write to. */
const file = () => join(folder, `file-${files++}`)
/** @param {string} path */
const written = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Runs `body` with a pool that is closed afterwards. @param {any} options @param {(pool: WorkerPool) => Promise<void>} body */
async function withPool(options, body) {
  const pool = WorkerPool.start(tasks, options)
  try {
    await body(pool)
  } finally {
    pool.close()
    await until(() => childrenOf(process.pid).length === 0, 'the workers end')
  }
}

describe('a task', limit, () => {
  test('is done by any of the workers, and its result comes back as it is', async () => {
    await withPool({ size: 2 }, async (pool) => {
      assert.deepEqual([pool.size, pool.pending, pool.closed], [2, 0, false])
      const values = [
        undefined,
        null,
        0,
        '',
        'text',
        new Map([[1n, new Date(3)]]),
        [1, undefined, 3],
        new Uint8Array(70_000).fill(7),
      ]
      const results = Promise.all(values.map((value) => pool.run({ kind: 'echo', value })))
      assert.equal(pool.pending, values.length)
      assert.deepEqual(await results, values)
      assert.equal(pool.pending, 0)
      const pids = new Set()
      while (pids.size < 2) pids.add(await pool.run({ kind: 'pid' }))
      assert.deepEqual(pids, new Set(childrenOf(process.pid)))
      assert.equal(await pool.run({ kind: 'peer' }), process.pid)
      assert.equal(
        await pool.run({ kind: 'given', name: 'nothing' }).catch(({ code }) => code),
        'ERR_IPC_NO_SUCH_HANDLE',
      )
    })
  })

  test('that throws rejects with what it threw: name, message, code and data', async () => {
    await withPool({ size: 1 }, async (pool) => {
      /** @param {string} how */
      const thrown = (how) => pool.run({ kind: 'throws', how }).catch((error) => error)
      const error = await thrown('type')
      assert.ok(error instanceof TypeError)
      assert.deepEqual([error.name, error.message], ['TypeError', 'of a wrong type'])
      assert.deepEqual(
        [/** @type {any} */ (error).code, /** @type {any} */ (error).data],
        ['E_MINE', new Map([[1, 2n]])],
      )
      assert.match(String(error.stack), /worker-pool\.spec\.js/)
      const own = await thrown('own')
      assert.deepEqual([own instanceof Error, own.name, own.message, 'code' in own], [true, 'OwnError', 'own', false])
      assert.ok((await thrown('other')) instanceof RangeError)
      assert.equal((await thrown('text')).message, 'only text')
      assert.ok((await thrown('nothing')) instanceof Error)
      // What cannot be sent, either way, is nobody's death.
      await assert.rejects(pool.run({ kind: 'echo', value: () => {} }), { message: /could not be cloned/ })
      const unspeakable = { code: 'ERR_INVALID_ARG_VALUE', message: /could not be cloned/ }
      await assert.rejects(pool.run({ kind: 'unspeakable' }), unspeakable)
      await assert.rejects(pool.run({ kind: 'long', length: 17 << 20 }), { code: 'EMSGSIZE' })
      await assert.rejects(pool.run({ kind: 'echo', value: Buffer.alloc(17 << 20) }), { code: 'EMSGSIZE' })
      assert.equal(await pool.run({ kind: 'echo', value: 'well' }), 'well')
    })
  })

  test('has the handles that are given with it, and those that the pool was given', async () => {
    const memory = SharedMemory.create(64)
    const semaphore = PosixSemaphore.open(null, { create: true })
    await withPool({ size: 1, handles: { memory } }, async (pool) => {
      const [, far] = Channel.pair()
      const handles = [semaphore, far, memory]
      assert.deepEqual(await pool.run({ kind: 'handles' }, { handles }), ['PosixSemaphore', 'Channel', 'SharedMemory'])
      assert.deepEqual([semaphore.value, far.closed, memory.closed], [1, true, false])
      assert.equal(await pool.run({ kind: 'given', name: 'memory' }), 'SharedMemory')
      const none = { code: 'ERR_IPC_NO_SUCH_HANDLE', message: /It was given these: "memory"$/ }
      await assert.rejects(pool.run({ kind: 'given', name: 'other' }), none)
    })
    semaphore.unlink()
    semaphore.close()
    memory.close()
  })

  test('waits for its turn, first come, first served; one that is called off has not begun', async () => {
    await withPool({ size: 1 }, async (pool) => {
      const path = file()
      const abort = new AbortController()
      const reason = { mine: true }
      const first = pool.run({ kind: 'abortable', path }, { signal: abort.signal }).catch((error) => error)
      await until(() => written(path) === 'begun ', 'it begins')
      const started = performance.now()
      const late = pool.run({ kind: 'abortable', path }, { timeout: 30 })
      const other = new AbortController()
      const aborted = pool.run({ kind: 'abortable', path }, { signal: other.signal }).catch((error) => error)
      /** @type {number[]} */
      const order = []
      const queued = [1, 2, 3].map((value) => pool.run({ kind: 'echo', value }).then((result) => order.push(result)))
      await assert.rejects(late, { code: 'ETIMEDOUT' })
      assert.ok(performance.now() - started >= 30)
      other.abort(reason)
      assert.equal(await aborted, reason)
      assert.equal(pool.pending, 4)
      abort.abort(reason)
      assert.equal(await first, reason)
      await Promise.all(queued)
      assert.deepEqual(order, [1, 2, 3])
      assert.equal(written(path), 'begun aborted AbortError')
      await assert.rejects(pool.run({ kind: 'pid' }, { timeout: 0 }), { code: 'ETIMEDOUT' })
      assert.equal(await pool.run({ kind: 'pid' }, { signal: abort.signal }).catch((error) => error), reason)
      pool.pendingLimit = 0
      await assert.rejects(pool.run({ kind: 'pid' }), { code: 'ERR_IPC_LIMIT' })
    })
  })
})

describe('a worker that dies', limit, () => {
  test('takes its task with it, and is replaced; the others go on', async () => {
    await withPool({ size: 2 }, async (pool) => {
      const killed = pool.run({ kind: 'kill' })
      const others = [1, 2, 3, 4].map((value) => pool.run({ kind: 'echo', value }))
      await assert.rejects(killed, { code: 'ERR_IPC_PEER_DIED', delivered: 'unknown', message: /SIGKILL/ })
      assert.deepEqual(await Promise.all(others), [1, 2, 3, 4])
      await assert.rejects(pool.run({ kind: 'exit', code: 5 }), { code: 'ERR_IPC_PEER_DIED', message: /code 5/ })
      assert.equal(await pool.run({ kind: 'echo', value: 'well' }), 'well')
      await until(() => childrenOf(process.pid).length === 2, 'as many as before')
    })
  })

  test('of a task that may be retried is followed by another one, three times at most', async () => {
    await withPool({ size: 1 }, async (pool) => {
      const path = file()
      const task = { kind: 'unlucky', path, times: 1 }
      // It would die each time.
      await assert.rejects(pool.run(task, { retry: true }), { code: 'ERR_IPC_PEER_DIED' })
      assert.equal(written(path), 'xxx')
      // Somebody else kills its worker.
      const hung = file()
      const hanging = pool.run({ kind: 'hang', path: hung }, { retry: true, timeout: 20_000 })
      const settled = assert.rejects(hanging, { code: 'ERR_IPC_CLOSED' })
      await until(() => written(hung).split('\n').length === 2, 'it begins')
      process.kill(Number(written(hung).split('\n')[0]), 'SIGKILL')
      await until(() => written(hung).split('\n').length === 3, 'it begins again')
      pool.close()
      await settled
    })
  })

  test('with nothing to do is replaced', async () => {
    await withPool({ size: 1 }, async (pool) => {
      const pid = await pool.run({ kind: 'pid' })
      process.kill(pid, 'SIGKILL')
      await until(() => !isAlive(pid), 'it dies')
      assert.notEqual(await pool.run({ kind: 'pid' }, { retry: true }), pid)
    })
  })

  test('and is busy with what nobody wants any more is killed after a while', async () => {
    await withPool({ size: 1 }, async (pool) => {
      const path = file()
      const abort = new AbortController()
      const spinning = pool.run({ kind: 'spin', path }, { signal: abort.signal })
      await Promise.all([
        assert.rejects(spinning, { name: 'AbortError' }),
        until(() => written(path) !== '', 'it begins').then(() => abort.abort()),
      ])
      const began = performance.now()
      assert.equal(await pool.run({ kind: 'echo', value: 'well' }), 'well')
      assert.ok(performance.now() - began > 1500)
    })
  })
})

describe('workers that do not start', limit, () => {
  const failing = fixture('pool-that-fails.js')
  for (const [fault, cause, message] of /** @type {const} */ ([
    ['throws', { code: 'E_SETTINGS' }, /do not start: no settings$/],
    ['exits', { code: 'ERR_IPC_PEER_DIED' }, /by themselves \(code 7\)/],
    ['exits later', {}, /by themselves \(code 7\)/],
    ['exports nothing', { name: 'TypeError' }, /no function/],
  ])) {
    test(`are given up soon, with the reason, where the module ${fault}`, async () => {
      const POOL_LOG = file()
      const pool = WorkerPool.start(failing, { size: 1, env: { ...process.env, POOL_LOG, POOL_FAULT: fault } })
      const expected = { code: 'ERR_IPC_NOT_INITIALIZED', message }
      // One that answers at once is a task that was done.
      if (fault !== 'exits later') {
        const runs = [pool.run(1), pool.run(2)].map((run) => run.catch((error) => error))
        for (const error of await Promise.all(runs)) {
          assert.deepEqual([error.code, message.test(error.message)], [expected.code, true], error.message)
          for (const [key, value] of Object.entries(cause)) assert.equal(error.cause[key], value)
        }
      }
      // Nobody is there who could do it in that time, nor is to come.
      const givenUp = async () =>
        childrenOf(process.pid).length === 0 &&
        (await pool.run(3, { timeout: 1 }).catch(({ code }) => code)) === expected.code
      await until(givenUp, 'it is given up')
      const starts = written(POOL_LOG).length
      assert.ok(starts <= 3, `${starts} starts`)
      await assert.rejects(pool.run(3), expected)
      await pool.drain()
      assert.equal(pool.closed, true)
    })
  }

  test('at first are tried again', async () => {
    const env = { ...process.env, POOL_LOG: file(), POOL_FAULT: 'throws twice' }
    const pool = WorkerPool.start(failing, { size: 1, env })
    assert.equal(await pool.run(1), 3)
    await pool.drain()
  })

  test('since there is no such module, or an argument is wrong: nothing is started', () => {
    assert.throws(() => WorkerPool.start(join(folder, 'none.js')), { code: 'ENOENT' })
    assert.throws(() => WorkerPool.start(folder), { code: 'EISDIR' })
    for (const bad of [undefined, null, 3, {}]) {
      assert.throws(() => WorkerPool.start(/** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    const { reader, writer } = pipe()
    const wrong = [
      ['ERR_OUT_OF_RANGE', { size: 0 }],
      ['ERR_OUT_OF_RANGE', { size: 1.5 }],
      ['ERR_INVALID_ARG_TYPE', { size: '1' }],
      ['ERR_INVALID_ARG_TYPE', { handles: [] }],
      ['ERR_INVALID_ARG_TYPE', { handles: { a: 1 } }],
      ['ERR_INVALID_ARG_VALUE', { handles: { reader } }],
      ['ERR_INVALID_ARG_TYPE', { execArgv: 'x' }],
      ['ERR_INVALID_ARG_TYPE', { execArgv: [1] }],
      ['ERR_INVALID_ARG_TYPE', { env: 3 }],
      ['ERR_INVALID_ARG_TYPE', 3],
    ]
    for (const [code, options] of wrong) {
      assert.throws(() => WorkerPool.start(tasks, /** @type {any} */ (options)), { code }, JSON.stringify(options))
    }
    assert.throws(() => new /** @type {any} */ (WorkerPool)(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    assert.deepEqual(childrenOf(process.pid), [])
    reader.close()
    writer.close()
  })

  test('as they are told are started so: by a URL, with an environment, words for Node, as many as there are cores', async () => {
    const copy = join(folder, 'tasks of my own.mjs')
    writeFileSync(copy, `export { default } from ${JSON.stringify(pathToFileURL(tasks).href)}`)
    const env = { ...process.env, MINE: 'yes' }
    const pool = WorkerPool.start(pathToFileURL(copy), { env, execArgv: ['--no-warnings'] })
    assert.equal(pool.size, availableParallelism())
    assert.deepEqual(await pool.run({ kind: 'environment', name: 'MINE' }), ['yes', ['--no-warnings']])
    await pool.drain()
  })
})

describe('the end of a pool', limit, () => {
  test('by drain: what there is is done, nothing more is taken, and no worker is left', async () => {
    const pool = WorkerPool.start(tasks, { size: 2 })
    const values = Array.from({ length: 50 }, (_, value) => value)
    const results = Promise.all(values.map((value) => pool.run({ kind: 'echo', value })))
    const draining = pool.drain()
    await assert.rejects(pool.run({ kind: 'pid' }), { code: 'ERR_INVALID_STATE' })
    await draining
    assert.deepEqual(await results, values)
    assert.deepEqual(childrenOf(process.pid), [])
    assert.equal(pool.closed, true)
    await pool.drain()
    await assert.rejects(pool.run(1), { code: 'ERR_IPC_CLOSED' })
  })

  test('by drain may be waited for only so long, and again', async () => {
    const pool = WorkerPool.start(tasks, { size: 1 })
    const path = file()
    const hanging = pool.run({ kind: 'hang', path }).catch(({ code }) => code)
    await until(() => written(path) !== '', 'it begins')
    await assert.rejects(pool.drain({ timeout: 20 }), { code: 'ETIMEDOUT' })
    const disposing =
      pool[/** @type {typeof Symbol.asyncDispose} */ (Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose'))]()
    assert.equal(pool.closed, false)
    pool.close()
    assert.equal(await hanging, 'ERR_IPC_CLOSED')
    await disposing
    await until(() => childrenOf(process.pid).length === 0, 'it ends')
  })

  test('by close: at once, also of those that look at nothing', async () => {
    const pool = WorkerPool.start(tasks, { size: 2 })
    const path = file()
    const all = [pool.run({ kind: 'spin', path }), pool.run({ kind: 'hang', path }), pool.run({ kind: 'echo' })].map(
      (run) => run.catch(({ code }) => code),
    )
    await until(() => written(path).split('\n').length === 3, 'both begin')
    pool.close()
    pool.close()
    assert.deepEqual(await Promise.all(all), ['ERR_IPC_CLOSED', 'ERR_IPC_CLOSED', 'ERR_IPC_CLOSED'])
    assert.equal(pool.pending, 0)
    await until(() => childrenOf(process.pid).length === 0, 'all have ended', 4000)
  })

  for (const [how, means] of /** @type {const} */ ([
    ['ends', 'one with nothing to do keeps no process alive'],
    ['unrefs', 'neither does one whose tasks are not waited for'],
    ['waits', 'by SIGKILL of the process that has it: its workers end by themselves'],
    ['forgets', 'by garbage collection, with a warning'],
  ])) {
    test(means, async () => {
      const node = how === 'forgets' ? ['--expose-gc'] : []
      const child = start(fixture('pool-and-leave.js'), [how], { node })
      await child.says('\n')
      const pid = Number(child.stdout.trim())
      assert.ok(isAlive(pid) || how === 'ends' || how === 'unrefs')
      if (how === 'waits') await child.kill()
      else if (how === 'forgets') {
        await child.says('ERR_IPC_NOT_CLOSED')
        await until(() => !isAlive(pid), 'it ends while it goes on')
        await child.succeeded()
      } else await child.succeeded()
      await until(() => !isAlive(pid), 'the worker ends')
    })
  }
})
