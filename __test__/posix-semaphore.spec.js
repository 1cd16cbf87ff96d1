/** POSIX semaphores, and through them how any permit is waited for. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Handle, PosixSemaphore, SharedMemory } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { inside } from './support/inside.js'
import { idleTime, staysUnder } from './support/pace.js'
import { newSemaphore, withNamed } from './support/semaphores.js'
import { descriptors, threads, turn, until } from './support/state.js'

const { parcelOf, rebuild } = inside['handover.js']

const options = { timeout: 60_000 }
const MOST = 0x7fffffff
const isDeno = 'deno' in process.versions
const isNode = process.versions.bun === undefined && !isDeno
const FULL = process.env.CI === 'true'

/** @param {any} error */
const code = (error) => error.code

/** @param {string} name */
const fileOf = (name) => `/dev/shm/sem.${name.slice(1)}`

/** Whether a promise is still pending, once whatever is ready has been told. @param {Promise<unknown>} promise */
async function isPending(promise) {
  await turn()
  await turn()
  return Promise.race([promise.then(() => false), turn().then(() => true)])
}

/** How many wait in the kernel, or are about to: as the C library counts them. @param {PosixSemaphore} semaphore */
function waiting(semaphore) {
  return readFileSync(fileOf(/** @type {string} */ (semaphore.name))).readUInt32LE(4)
}

describe('a semaphore is opened', options, () => {
  test('with null under a new name that nobody can guess, for nobody else, with the value asked for', () =>
    withNamed(3, (one) =>
      withNamed(0, (other) => {
        assert.ok(one instanceof PosixSemaphore && one instanceof Handle)
        assert.match(one.name, /^\/os-ipc-[0-9a-f]{32}$/)
        assert.notEqual(one.name, other.name)
        assert.deepEqual([one.value, other.value], [3, 0])
        assert.equal(statSync(fileOf(one.name)).mode & 0o777, 0o600)
      }),
    ))

  test('by its name, with what it holds; EEXIST and ENOENT as in sem_open', () =>
    withNamed(2, (semaphore) => {
      const { name } = semaphore
      const again = PosixSemaphore.open(name, { create: true, value: 9 })
      assert.equal(again.value, 2)
      assert.ok(again.tryAcquire())
      assert.equal(semaphore.value, 1)
      assert.throws(() => PosixSemaphore.open(name, { create: true, exclusive: true }), { code: 'EEXIST' })
      semaphore.unlink()
      assert.throws(() => PosixSemaphore.open(name), { code: 'ENOENT', syscall: 'sem_open', path: name })
      assert.throws(() => PosixSemaphore.unlink(name), { code: 'ENOENT', syscall: 'sem_unlink', path: name })
      // Whoever has it open goes on.
      semaphore.release()
      assert.equal(again.value, 2)
      again.close()
    }))

  test('only if that is what stands there: not through a symbolic link, not what is too short', () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-semaphore-'))
    const name = `/os-ipc-spec-${process.pid}`
    try {
      writeFileSync(join(folder, 'target'), Buffer.alloc(32))
      symlinkSync(join(folder, 'target'), fileOf(name))
      assert.throws(() => PosixSemaphore.open(name), { code: 'ELOOP' })
      rmSync(fileOf(name))
      writeFileSync(fileOf(name), Buffer.alloc(8))
      assert.throws(() => PosixSemaphore.open(name), { code: 'ERR_INVALID_ARG_VALUE', path: name })
    } finally {
      rmSync(folder, { recursive: true })
      rmSync(fileOf(name), { force: true })
    }
  })

  test('names that none can have are refused before anything happens', () => {
    for (const name of ['', 'a', '/', '/.', '/..', '/a/b', '/a\0', `/${'n'.repeat(252)}`]) {
      assert.throws(() => PosixSemaphore.open(name, { create: true }), { code: 'ERR_IPC_INVALID_NAME' }, name)
      assert.throws(() => PosixSemaphore.unlink(name), { code: 'ERR_IPC_INVALID_NAME' }, name)
    }
    const longest = `/${'n'.repeat(251)}`
    const semaphore = PosixSemaphore.open(longest, { create: true })
    semaphore.unlink()
    semaphore.close()
  })

  test('wrong options are refused before anything happens', () => {
    const name = `/os-ipc-spec-${process.pid}`
    for (const value of [-1, 1.5, Number.NaN, MOST + 1, Number.POSITIVE_INFINITY]) {
      assert.throws(() => PosixSemaphore.open(name, { create: true, value }), { code: 'ERR_OUT_OF_RANGE' })
    }
    const wrong = [{ value: '1' }, { create: 1 }, { exclusive: 'yes' }, { mode: '600' }, { anyOwner: null }, 'x', null]
    for (const given of wrong) {
      assert.throws(() => PosixSemaphore.open(name, /** @type {any} */ (given)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.throws(() => PosixSemaphore.open(name, { exclusive: true }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => PosixSemaphore.open(null, { create: false }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => PosixSemaphore.open(null), { code: 'ERR_INVALID_ARG_VALUE' })
    for (const wrongName of [undefined, 1, {}, Symbol('x')]) {
      assert.throws(() => PosixSemaphore.open(/** @type {any} */ (wrongName)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.equal(existsSync(fileOf(name)), false)
  })

  test('by many processes at once: each name is made once, and nobody sees a value that it was not given', async () => {
    const [prefix, count] = [`/os-ipc-spec-${process.pid}`, 200]
    try {
      const words = [prefix, count]
      const makers = Array.from({ length: 4 }, () =>
        start(fixture('posix-semaphore-create.js'), words, { stdin: 'pipe' }),
      )
      await Promise.all(makers.map((maker) => maker.says('ready')))
      for (const maker of makers) maker.tell('go')
      const told = await Promise.all(makers.map((maker) => maker.succeeded()))
      const tallies = told.map((text) => JSON.parse(text.slice('ready'.length)))
      assert.deepEqual(
        tallies.map(({ values }) => values),
        makers.map(() => [5]),
      )
      assert.equal(
        tallies.reduce((sum, { made }) => sum + made, 0),
        count,
      )
    } finally {
      for (let number = 0; number < count; number++) {
        for (const name of [`${prefix}-${number}`, `${prefix}-x${number}`]) rmSync(fileOf(name), { force: true })
      }
    }
  })

  test('its name is a property of its own, and it has no descriptor', () =>
    withNamed(0, (semaphore) => {
      const { name } = semaphore
      assert.throws(() => Object.assign(semaphore, { name: 'x' }), TypeError)
      assert.throws(() => semaphore.detach(), { code: 'ERR_IPC_NOT_SUPPORTED' })
      const before = descriptors()
      const copy = semaphore.dup()
      assert.equal(descriptors(), before)
      semaphore.close()
      assert.deepEqual([semaphore.name, copy.name, copy.value], [name, name, 0])
      copy.close()
    }))
})

describe('whose it is', options, () => {
  test(
    'what belongs neither to this user nor to root is refused, unless anybody will do',
    {
      skip: process.getuid?.() !== 0,
    },
    () =>
      withNamed(1, (root) =>
        withNamed(1, (third) =>
          withNamed(1, async (secret) => {
            chmodSync(fileOf(root.name), 0o666)
            chownSync(fileOf(third.name), 12_345, 12_345)
            chmodSync(fileOf(third.name), 0o666)
            const words = [root.name, third.name, secret.name]
            const told = JSON.parse(await output(fixture('posix-semaphore-as-nobody.js'), words))
            // In a folder where each may remove his own alone.
            assert.deepEqual(told, [true, 'ERR_IPC_UNTRUSTED_OWNER', true, 'EACCES', 'EPERM'])
            // Root trusts nobody else either.
            assert.throws(() => PosixSemaphore.open(third.name), { code: 'ERR_IPC_UNTRUSTED_OWNER', path: third.name })
          }),
        ),
      ),
  )

  test('permissions are those asked for, less the umask', () => {
    const before = process.umask(0o027)
    try {
      const semaphore = PosixSemaphore.open(null, { create: true, mode: 0o666 })
      assert.equal(statSync(fileOf(/** @type {string} */ (semaphore.name))).mode & 0o777, 0o640)
      semaphore.unlink()
      semaphore.close()
    } finally {
      process.umask(before)
    }
  })

  test('what a killed process has named at random is removed by the next cleanup, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-semaphore-'))
    const env = { XDG_RUNTIME_DIR: folder }
    const named = `/os-ipc-spec-${process.pid}`
    /** @param {string} name */
    const stands = (name) => existsSync(fileOf(name))
    try {
      const owner = start(fixture('posix-semaphore-left-behind.js'), [named], { env })
      await owner.says(']')
      const names = /** @type {string[]} */ (JSON.parse(owner.stdout))
      assert.deepEqual(names.map(stands), [true, true])
      await owner.kill()
      const told = await output(fixture('registry-clean.js'), [], { env })
      assert.deepEqual([...names, named].map(stands), [false, false, true], told)
    } finally {
      rmSync(folder, { recursive: true })
      rmSync(fileOf(named), { force: true })
    }
  })
})

describe('a semaphore in memory', options, () => {
  test('goes on when the memory is closed, resized, or waited upon meanwhile', async () => {
    const memory = SharedMemory.create(4096, { seals: [] })
    const semaphore = PosixSemaphore.inMemory(memory, 128, { initialize: 0 })
    const other = PosixSemaphore.inMemory(memory, 128)
    new Uint8Array(memory.buffer).fill(0, 256)
    memory.resize(8192)
    const acquired = semaphore.acquire()
    memory.close()
    other.release()
    await acquired
    assert.deepEqual([semaphore.value, semaphore.name], [0, null])
    assert.throws(() => semaphore.unlink(), { code: 'ERR_IPC_NOT_SUPPORTED' })
    for (const handle of [semaphore, other]) handle.close()
  })

  test('stands in every kind of memory, and at every aligned offset within', () => {
    assert.equal(PosixSemaphore.byteLength, 32)
    const posix = SharedMemory.open(null, { create: true, size: 4096 })
    posix.unlink()
    const segment = SharedMemory.sysv('private', { size: 4096 })
    segment.unlink()
    for (const memory of [SharedMemory.create(4096), posix, segment]) {
      const last = memory.size - PosixSemaphore.byteLength
      for (const offset of [0, 8, last]) {
        const semaphore = PosixSemaphore.inMemory(memory, offset, { initialize: 5 })
        assert.equal(memory.atomics.load('u32', offset), 5)
        assert.ok(semaphore.tryAcquire())
        const again = PosixSemaphore.inMemory(memory, offset)
        assert.equal(again.value, 4)
        for (const handle of [semaphore, again]) handle.close()
      }
      for (const offset of [-8, 1, 4, last + 8, last + 1, 2 ** 53, Number.NaN, 0.5]) {
        assert.throws(() => PosixSemaphore.inMemory(memory, offset), { code: 'ERR_OUT_OF_RANGE' }, String(offset))
      }
      memory.close()
      assert.throws(() => PosixSemaphore.inMemory(memory, 0), { code: 'ERR_IPC_CLOSED' })
    }
    const small = SharedMemory.create(16)
    assert.throws(() => PosixSemaphore.inMemory(small, 0), { code: 'ERR_OUT_OF_RANGE' })
    small.close()
  })

  test('is refused in memory that can only be read', () => {
    const memory = SharedMemory.create(4096)
    const view = SharedMemory.fromFd(memory.readOnlyFd(), { readOnly: true })
    assert.throws(() => PosixSemaphore.inMemory(view, 0), { code: 'EACCES', hint: 'this handle is read-only' })
    view.close()
    memory.close()
    for (const wrong of [undefined, {}, new ArrayBuffer(64)]) {
      assert.throws(() => PosixSemaphore.inMemory(/** @type {any} */ (wrong), 0), { code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  test('says so when somebody has shortened the memory, and ends nothing else', async () => {
    await withNamed(0, async (semaphore) => {
      truncateSync(fileOf(semaphore.name), 0)
      assert.throws(() => semaphore.release(), { code: 'ERR_IPC_TRUNCATED' })
      assert.throws(() => semaphore.tryAcquire(), { code: 'ERR_IPC_TRUNCATED' })
      assert.throws(() => semaphore.value, { code: 'ERR_IPC_TRUNCATED' })
      await assert.rejects(semaphore.acquire({ timeout: 50 }), { code: 'ERR_IPC_TRUNCATED' })
    })
  })
})

describe('permits', options, () => {
  test('are taken one at a time and given back in any number, or not at all', () => {
    const semaphore = newSemaphore(1)
    assert.deepEqual([semaphore.tryAcquire(), semaphore.tryAcquire(1)], [true, false])
    semaphore.release(3)
    assert.equal(semaphore.value, 3)
    semaphore.release(MOST - 3)
    assert.throws(() => semaphore.release(), { code: 'EOVERFLOW', syscall: 'sem_post' })
    semaphore.tryAcquire()
    assert.throws(() => semaphore.release(2), { code: 'EOVERFLOW' })
    assert.equal(semaphore.value, MOST - 1)
    for (const permits of [0, -1, 1.5, MOST + 1, Number.NaN]) {
      assert.throws(() => semaphore.release(permits), { code: 'ERR_OUT_OF_RANGE' })
    }
    for (const permits of [0, 2, -1, 1.5]) {
      assert.throws(() => semaphore.tryAcquire(permits), { code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => semaphore.acquireSync({ permits }), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.throws(() => semaphore.tryAcquire(/** @type {any} */ ('1')), { code: 'ERR_INVALID_ARG_TYPE' })
    semaphore.close()
  })

  test('are given to promises first come, first served', async () => {
    const semaphore = newSemaphore()
    /** @type {number[]} */
    const order = []
    const all = Promise.all(Array.from({ length: 20 }, (_, i) => semaphore.acquire().then(() => order.push(i))))
    for (let count = 0; count < 20; count++) {
      semaphore.release()
      await until(() => order.length === count + 1, `${count} served`)
    }
    await all
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    )
    semaphore.close()
  })

  test('that come all at once are given to all who wait', async () => {
    const semaphore = newSemaphore()
    const all = Promise.all(Array.from({ length: 1000 }, () => semaphore.acquire()))
    semaphore.release(1000)
    await all
    assert.equal(semaphore.value, 0)
    semaphore.close()
  })

  test('are waited for by one thread, however many wait here', async () => {
    const semaphore = newSemaphore()
    const before = threads('os-ipc-waiter')
    const all = Array.from({ length: 1000 }, () => semaphore.acquire())
    await until(() => threads('os-ipc-waiter') > 0, 'there is a thread')
    assert.ok(threads('os-ipc-waiter') <= before + 1)
    semaphore.close()
    for (const { status } of await Promise.allSettled(all)) assert.equal(status, 'rejected')
  })

  test('are taken by try and Sync forms while promises wait', async () => {
    const semaphore = newSemaphore()
    const acquired = semaphore.acquire()
    assert.ok(await isPending(acquired))
    semaphore.release(2)
    semaphore.acquireSync()
    await acquired
    assert.equal(semaphore.tryAcquire(), false)
    assert.throws(() => semaphore.acquireSync({ timeout: 0 }), { code: 'ETIMEDOUT' })
    const begun = performance.now()
    assert.throws(() => semaphore.acquireSync({ timeout: 30 }), { code: 'ETIMEDOUT' })
    assert.ok(performance.now() - begun >= 30)
    semaphore.close()
  })

  test('that are there win over a timeout and over nothing else', async () => {
    const semaphore = newSemaphore(1)
    await semaphore.acquire({ timeout: 0 })
    await assert.rejects(semaphore.acquire({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(semaphore.acquire({ timeout: 5 }), { code: 'ETIMEDOUT' })
    semaphore.release()
    const reason = new Error('mine')
    await assert.rejects(semaphore.acquire({ signal: AbortSignal.abort(reason) }), reason)
    assert.equal(semaphore.value, 1)
    semaphore.close()
    await assert.rejects(semaphore.acquire(), { code: 'ERR_IPC_CLOSED' })
    for (const call of [
      () => semaphore.tryAcquire(),
      () => semaphore.acquireSync(),
      () => semaphore.release(),
      () => semaphore.value,
      () => semaphore.unlink(),
      () => semaphore.dup(),
    ]) {
      assert.throws(call, { code: 'ERR_IPC_CLOSED' })
    }
  })

  test('are never lost to a timeout or an abort, and never taken twice', async () => {
    await withNamed(0, async (semaphore) => {
      const other = semaphore.dup()
      const rounds = FULL ? 20_000 : 2000
      let taken = 0
      let posted = 0
      for (let round = 0; round < rounds; round++) {
        const controller = new AbortController()
        const waits = [semaphore.acquire({ signal: controller.signal }), semaphore.acquire({ timeout: round % 2 })]
        const settled = Promise.allSettled(waits)
        if (round % 4 === 3) await turn()
        if (round % 3 !== 0) {
          other.release()
          posted++
        }
        if (round % 5 < 2) await turn()
        controller.abort()
        for (const { status } of await settled) if (status === 'fulfilled') taken++
      }
      await until(() => waiting(semaphore) === 0, 'nobody waits')
      assert.equal(semaphore.value, posted - taken)
      assert.ok(taken > 0)
      other.close()
    })
  })

  test('that came just before a wait was given up are there at once, for whatever comes next', async () => {
    await withNamed(0, async (semaphore) => {
      const takes = [
        () => assert.ok(semaphore.tryAcquire()),
        () => semaphore.acquireSync({ timeout: 0 }),
        () => semaphore.acquire({ timeout: 0 }),
      ]
      for (let round = 0; round < 600; round++) {
        const controller = new AbortController()
        const gaveUp = assert.rejects(semaphore.acquire({ signal: controller.signal }), { name: 'AbortError' })
        if (round % 2 === 0) await until(() => waiting(semaphore) === 1, 'its thread waits')
        semaphore.release()
        for (let spin = 0; spin < round % 10; spin++) semaphore.value
        controller.abort()
        await takes[round % 3]()
        await gaveUp
        assert.equal(semaphore.value, 0)
      }
    })
  })

  test('are not taken by a handle that was closed: those who wait elsewhere get them', async () => {
    await withNamed(0, async (semaphore) => {
      for (let round = 0; round < 200; round++) {
        const closing = semaphore.dup()
        const waits = Array.from({ length: 4 }, () => closing.acquire())
        if (round % 2 === 0) await until(() => waiting(semaphore) === 1, 'its thread waits')
        semaphore.release()
        closing.close()
        const outcomes = await Promise.allSettled(waits)
        assert.ok(outcomes.every(({ status, reason }) => status === 'rejected' && reason.code === 'ERR_IPC_CLOSED'))
        await semaphore.acquire({ timeout: 5000 })
        await until(() => waiting(semaphore) === 0, 'nobody waits')
        assert.equal(semaphore.value, 0)
      }
    })
  })

  test('of those who wait no more go to the next one; who is beyond pendingLimit is told at once', async () => {
    const semaphore = newSemaphore()
    semaphore.pendingLimit = 2
    const controller = new AbortController()
    const first = semaphore.acquire({ signal: controller.signal })
    const second = semaphore.acquire()
    await assert.rejects(semaphore.acquire(), { code: 'ERR_IPC_LIMIT' })
    controller.abort()
    await assert.rejects(first, { name: 'AbortError' })
    semaphore.release()
    await second
    semaphore.close()
  })

  test('are given back by with, whatever its body does', async () => {
    const semaphore = newSemaphore(1)
    const other = semaphore.dup()
    assert.equal(await semaphore.with(() => semaphore.value), 0)
    await assert.rejects(
      semaphore.with(async () => {
        throw new Error('mine')
      }),
      /mine/,
    )
    await assert.rejects(semaphore.with(/** @type {any} */ (7)), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.equal(other.value, 1)
    await semaphore.with(() => semaphore.close())
    assert.equal(other.value, 1)
    await assert.rejects(
      other.with(() => other.with(() => {}, { timeout: 10 })),
      { code: 'ETIMEDOUT' },
    )
    assert.equal(other.value, 1)
    other.close()
  })

  test('that a loop takes at once do not starve the event loop', async () => {
    const semaphore = newSemaphore(1)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const end = performance.now() + 20_000
    while (ticks < 5 && performance.now() < end) {
      await semaphore.acquire()
      semaphore.release()
    }
    clearInterval(timer)
    assert.equal(ticks, 5)
    semaphore.close()
  })
})

describe('between processes', options, () => {
  test('one at a time is inside, in whatever form they take', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-semaphore-'))
    try {
      await withNamed(1, async (semaphore) => {
        const path = join(folder, 'count')
        writeFileSync(path, '0')
        const words = [path, 150]
        const children = [1, 2, 3].map(() =>
          start(fixture('posix-semaphore-section.js'), words, { handles: [semaphore] }),
        )
        await Promise.all(children.map((child) => child.succeeded()))
        assert.equal(readFileSync(path, 'utf8'), String(3 * 150))
        assert.deepEqual([semaphore.value, waiting(semaphore)], [1, 0])
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a named one is handed over as the one it is; one in memory travels with the memory', async () => {
    await withNamed(1, (semaphore) => {
      const { name } = semaphore
      const { handedOver: _, ...parcel } = parcelOf(semaphore)
      const copy = /** @type {PosixSemaphore} */ (rebuild(parcel))
      assert.ok(copy.tryAcquire())
      assert.equal(semaphore.value, 0)
      copy.close()
      semaphore.unlink()
      assert.throws(() => rebuild(parcel), { code: 'ENOENT' })
      const impostor = PosixSemaphore.open(name, { create: true })
      assert.throws(() => rebuild(parcel), { code: 'ENOENT', path: name })
      impostor.close()
    })
    const inMemory = newSemaphore()
    assert.throws(() => parcelOf(inMemory), { code: 'ERR_IPC_NOT_SUPPORTED' })
    inMemory.close()
  })

  for (const way of ['exit', 'throw', 'busy']) {
    test(`a process that leaves with many waiting takes none along (${way})`, () =>
      withNamed(0, async (semaphore) => {
        const child = start(fixture('posix-semaphore-wait-and-exit.js'), [way], { handles: [semaphore] })
        if (way === 'busy') {
          await child.says('busy')
          semaphore.release(3)
        }
        const { code: left, signal } = await child.outcome
        assert.deepEqual([left, signal], [way === 'throw' ? 1 : 7, null])
        assert.deepEqual([semaphore.value, waiting(semaphore)], [way === 'busy' ? 3 : 0, 0])
      }))
  }

  for (const way of ['idle', 'unref']) {
    test(`a process is not kept by a handle that nobody waits on (${way})`, () =>
      withNamed(0, async (semaphore) => {
        const child = await run(fixture('posix-semaphore-wait-and-exit.js'), [way], { handles: [semaphore] })
        assert.deepEqual([child.code, child.signal, waiting(semaphore)], [0, null, 0])
      }))
  }
})

describe('a process that is killed', options, () => {
  test('takes along what it held and nothing else: who waits goes on, or is helped by a release', async () => {
    const kills = Number(process.env.OS_IPC_KILLS ?? (FULL ? 60 : 12))
    await withNamed(1, async (semaphore) => {
      for (let kill = 0; kill < kills; kill++) {
        const child = start(fixture('posix-semaphore-hold.js'), [], { handles: [semaphore] })
        await child.says('ready')
        await semaphore.acquire({ timeout: 20_000 })
        semaphore.release()
        await sleep(Math.random() * 5)
        await child.kill()
        // Nobody is there any more: what is missing was held.
        if (semaphore.value === 0) semaphore.release()
        assert.equal(semaphore.value, 1)
        await semaphore.acquire({ timeout: 100 })
        semaphore.release()
      }
    })
  })
})

describe('waiting', options, () => {
  test('costs no processor time, however many wait', async () => {
    const semaphores = Array.from({ length: 10 }, () => newSemaphore())
    const waits = semaphores.flatMap((semaphore) => Array.from({ length: 100 }, () => semaphore.acquire()))
    for (const wait of waits) wait.catch(() => {})
    try {
      await until(() => threads('os-ipc-waiter') >= semaphores.length, 'all wait')
      await sleep(100)
      // Of a second, in the quietest of a few: the engine collects what earlier tests have left.
      await staysUnder(10_000, () => idleTime(1000))
    } finally {
      for (const semaphore of semaphores) semaphore.close()
      await Promise.allSettled(waits)
    }
  })
})

describe('in workers', options, () => {
  /** @param {string} name @param {string} way */
  function inWorker(name, way) {
    const worker = new Worker(fixture('posix-semaphore-worker.js'), { workerData: { name, way } })
    worker.on('error', assert.fail)
    const heard = new Set()
    worker.on('message', (word) => heard.add(word))
    return { worker, says: (/** @type {string} */ word) => until(() => heard.has(word), `it says ${word}`) }
  }

  for (const way of ['acquire', 'acquireSync', 'spins']) {
    // Deno does not say to the addon that a worker has ended which was busy.
    test(`the end of one that waits loses nothing (${way})`, { skip: isDeno && way !== 'acquire' }, () =>
      withNamed(0, async (semaphore) => {
        const { worker, says } = inWorker(semaphore.name, way)
        await says('ready')
        await until(() => waiting(semaphore) > 0, 'it waits')
        if (way === 'spins') {
          semaphore.release()
          await until(() => semaphore.value === 0, 'its thread has taken')
        }
        const begun = performance.now()
        await worker.terminate()
        assert.ok(performance.now() - begun < 500)
        const expected = way === 'spins' ? 1 : 0
        // Some runtimes say that it has ended a little before that.
        await until(() => waiting(semaphore) === 0 && semaphore.value === expected, 'nothing is lost', 1000)
      }),
    )
  }

  // Elsewhere the end of the process does not end its workers.
  test('the end of the process gives back what the thread of a worker has taken', { skip: !isNode }, () =>
    withNamed(0, async (semaphore) => {
      const { code: left } = await run(fixture('posix-semaphore-exit-with-worker.js'), [], { handles: [semaphore] })
      assert.deepEqual([left, semaphore.value, waiting(semaphore)], [7, 1, 0])
    }),
  )

  test('a blocking form keeps its place: it is served before whoever comes later', () =>
    withNamed(0, async (semaphore) => {
      const first = inWorker(semaphore.name, 'acquireSync in time')
      await until(() => waiting(semaphore) === 1, 'the first waits')
      // Longer than a slice.
      await sleep(150)
      const second = inWorker(semaphore.name, 'acquireSync in time')
      await until(() => waiting(semaphore) === 2, 'the second waits')
      semaphore.release()
      await first.says('acquired')
      assert.equal(waiting(semaphore), 1)
      semaphore.release()
      await second.says('acquired')
      await Promise.all([first.worker.terminate(), second.worker.terminate()])
    }))
})

describe('whatever another process scribbles into the memory', options, () => {
  test('nothing crashes or hangs: calls come to an end, and a timeout ends a wait', async () => {
    const memory = SharedMemory.create(4096)
    const semaphore = PosixSemaphore.inMemory(memory, 0, { initialize: 1 })
    const words = new Uint32Array(memory.buffer, 0, 8)
    const rounds = FULL ? 1_000_000 : 50_000
    for (let round = 0; round < rounds; round++) {
      words[round % 8] = Math.random() * 2 ** 32
      semaphore.tryAcquire()
      assert.ok(semaphore.value >= 0)
      try {
        semaphore.release()
      } catch (error) {
        assert.equal(code(error), 'EOVERFLOW')
      }
    }
    for (let round = 0; round < 100; round++) {
      for (let index = 0; index < 8; index++) words[index] = Math.random() * 2 ** 32
      words[0] = 0
      const pending = semaphore.acquire({ timeout: 5 }).then(
        () => 'acquired',
        (error) => error.code,
      )
      for (let index = 1; index < 8; index++) words[index] = Math.random() * 2 ** 32
      assert.match(await pending, /^(acquired|ETIMEDOUT)$/)
      words[0] = 0
      assert.throws(() => semaphore.acquireSync({ timeout: 1 }), { code: 'ETIMEDOUT' })
    }
    semaphore.close()
    memory.close()
  })

  test('nor when it never stops', async () => {
    const memory = SharedMemory.create(4096)
    const semaphore = PosixSemaphore.inMemory(memory, 0, { initialize: 1 })
    const scribbler = start(fixture('scribble.js'), [PosixSemaphore.byteLength], { handles: [memory] })
    await scribbler.says('ready')
    const before = memory.read(0, 32)
    await until(() => !memory.read(0, 32).equals(before), 'it scribbles')
    const end = performance.now() + (FULL ? 10_000 : 500)
    while (performance.now() < end) {
      for (let call = 0; call < 1000; call++) {
        semaphore.tryAcquire()
        try {
          semaphore.release(1 + (call % 3))
        } catch (error) {
          assert.equal(code(error), 'EOVERFLOW')
        }
      }
      for (const acquired of [semaphore.acquire({ timeout: 1 }), semaphore.with(() => {}, { timeout: 1 })]) {
        await acquired.catch((error) => assert.match(error.code, /^(ETIMEDOUT|EOVERFLOW)$/))
      }
      try {
        semaphore.acquireSync({ timeout: 1 })
      } catch (error) {
        assert.equal(code(error), 'ETIMEDOUT')
      }
    }
    const waiting = semaphore.acquire()
    await scribbler.kill()
    semaphore.close()
    await waiting.catch((error) => assert.equal(error.code, 'ERR_IPC_CLOSED'))
    memory.close()
  })
})
