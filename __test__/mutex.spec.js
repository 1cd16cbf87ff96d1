/** Mutexes: between processes, between threads of one, and after the death of who held them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Mutex } from '../index.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import {
  elsewhere,
  fileOf,
  holding,
  inWorker,
  killed,
  newName,
  semaphoreIds,
  setOf,
  unlinkAfter,
  waitingIn,
} from './support/locks.js'
import { idleTime, staysUnder, timeOf } from './support/pace.js'
import { threads, until } from './support/state.js'

const { cleanup } = inside['registry.js']

const options = { timeout: 60_000 }
const isRoot = process.getuid?.() === 0

/** Holds the mutex of that name until it is told to leave. */
const HOLD = holding('ipc.Mutex.open(words[0]).lock()')

unlinkAfter()

/** @param {string} [name] */
function newMutex(name = newName('mutex')) {
  return { name, mutex: Mutex.open(name) }
}

/** How many stand in the kernel's queue. @param {string} name */
const queued = (name) => waitingIn('mutex', name, 0).forMore

describe('a mutex is opened', options, () => {
  test('and made, for this user alone; close leaves it, unlink does not, and a second unlink is ENOENT', () => {
    const { name, mutex } = newMutex()
    assert.equal(statSync(fileOf('mutex', name)).mode & 0o777, 0o600)
    assert.ok(semaphoreIds().includes(setOf('mutex', name)))
    mutex.close()
    mutex.close()
    assert.ok(existsSync(fileOf('mutex', name)))
    const id = setOf('mutex', name)
    Mutex.unlink(name)
    assert.ok(!existsSync(fileOf('mutex', name)))
    assert.ok(!semaphoreIds().includes(id))
    assert.throws(() => Mutex.unlink(name), { code: 'ENOENT', path: fileOf('mutex', name) })
  })

  test('by names of 1 to 200 bytes, without slash or null byte', () => {
    for (const name of ['', 'a/b', '/', 'a\0b', 'x'.repeat(201), 'é'.repeat(101)]) {
      assert.throws(() => Mutex.open(name), { name: 'TypeError', code: 'ERR_IPC_INVALID_NAME' }, name)
      assert.throws(() => Mutex.unlink(name), { code: 'ERR_IPC_INVALID_NAME' }, name)
    }
    for (const name of ['.', '..', `é \n%${process.pid}`, `${process.pid}-`.padEnd(200, 'x')]) {
      const { mutex } = newMutex(newName('mutex', name))
      mutex.tryLock()?.unlock()
      mutex.close()
    }
  })

  test('with the mode that was asked for, less the umask, and its semaphores with the same', () => {
    const before = process.umask(0o027)
    try {
      const { name } = newMutex()
      const wide = newName('mutex')
      Mutex.open(wide, { mode: 0o666 }).close()
      assert.equal(statSync(fileOf('mutex', name)).mode & 0o777, 0o600)
      assert.equal(statSync(fileOf('mutex', wide)).mode & 0o777, 0o640)
      const { stdout } = spawnSync('ipcs', ['-s', '-i', String(setOf('mutex', wide))], { encoding: 'utf8' })
      assert.match(stdout, /mode=0?640/)
    } finally {
      process.umask(before)
    }
  })

  test('by twenty at once, who all get the same one', async () => {
    const name = newName('mutex')
    const file = join(tmpdir(), `os-ipc-spec-${process.pid}`)
    const before = semaphoreIds()
    writeFileSync(file, '0')
    const code = `
      const { readFileSync, writeFileSync } = await import('node:fs')
      say('ready')
      await told()
      const mutex = ipc.Mutex.open(words[0])
      for (let i = 0; i < 20; i++) {
        await mutex.with(() => writeFileSync(words[1], String(Number(readFileSync(words[1], 'utf8')) + 1)))
      }
      process.exit()
    `
    const children = Array.from({ length: 20 }, () => elsewhere(code, [name, file]))
    await Promise.all(children.map((child) => child.says('ready')))
    for (const child of children) child.tell('go')
    await Promise.all(children.map((child) => child.succeeded()))
    assert.equal(readFileSync(file, 'utf8'), '400')
    rmSync(file)
    const made = semaphoreIds().filter((id) => !before.includes(id))
    assert.deepEqual(made.filter((id) => id === setOf('mutex', name)).length, 1)
  })

  test('although its semaphores have gone: that is another one then, and nobody sees half of it', async () => {
    const { name, mutex } = newMutex()
    const held = mutex.tryLock()
    const id = setOf('mutex', name)
    spawnSync('ipcrm', ['-s', String(id)])
    const code = `const m = ipc.Mutex.open(words[0]); for (let i = 0; i < 50; i++) await m.with(() => {}); say('done')`
    const children = Array.from({ length: 4 }, () => elsewhere(`${code}; process.exit()`, [name]))
    await Promise.all(children.map((child) => child.succeeded()))
    assert.notEqual(setOf('mutex', name), id)
    // What was held of the old one is nobody's.
    const guard = mutex.tryLock()
    assert.equal(guard?.abandoned, false)
    held?.unlock()
    assert.ok(mutex.locked)
    guard?.unlock()
    assert.ok(!mutex.locked)
  })

  test('not if what has its name is something else, and that stays', () => {
    const target = fileOf('mutex', newName('mutex', `other-${process.pid}`))
    for (const make of [
      () => writeFileSync(target, ''),
      () => writeFileSync(target, 'x'.repeat(64)),
      () => symlinkSync('/etc/hostname', target),
      () => spawnSync('mkfifo', [target]),
      () => spawnSync('mkdir', [target]),
    ]) {
      make()
      assert.throws(() => Mutex.open(`other-${process.pid}`), { code: 'ERR_INVALID_ARG_VALUE', path: target })
      rmSync(target, { recursive: true })
    }
    const { name } = newMutex()
    const bytes = readFileSync(fileOf('mutex', name))
    bytes.writeInt32LE(7, 4)
    writeFileSync(target, bytes)
    assert.throws(() => Mutex.open(`other-${process.pid}`), { code: 'ERR_IPC_VERSION', path: target })
    rmSync(target)
  })

  test('not if a stranger has made it, unless anyOwner says so', { skip: !isRoot && 'needs root' }, async () => {
    const name = newName('mutex')
    const code = `
      process.setuid(65534)
      ipc.Mutex.open(words[0], { mode: 0o666 })
      process.exit()
    `
    const before = process.umask(0)
    await elsewhere(code, [name])
      .succeeded()
      .finally(() => process.umask(before))
    assert.throws(() => Mutex.open(name), { code: 'ERR_IPC_UNTRUSTED_OWNER', path: fileOf('mutex', name) })
    const mutex = Mutex.open(name, { anyOwner: true })
    mutex.tryLock()?.unlock()
    mutex.close()
    // What a stranger has written names no set that an unlink would remove for him.
    spawnSync('ipcrm', ['-s', String(setOf('mutex', name))])
    const closed = newName('mutex')
    Mutex.open(closed).close()
    const nobody = `
      process.setuid(65534)
      try { ipc.Mutex.open(words[0]) } catch (error) { say(error.code) }
      try { ipc.Mutex.unlink(words[0]) } catch (error) { say(error.code) }
      process.exit()
    `
    assert.equal(await elsewhere(nobody, [closed]).succeeded(), 'EACCES\nEACCES\n')
    assert.ok(existsSync(fileOf('mutex', closed)))
  })

  test('not from another IPC namespace that shares its files', { skip: !isRoot && 'needs root' }, () => {
    const { name } = newMutex()
    const code = `import { Mutex } from '${new URL('../index.js', import.meta.url)}'
      try { Mutex.open('${name}') } catch (error) { console.log(error.code) }`
    const { stdout } = spawnSync('unshare', ['-i', process.execPath, '--input-type=module', '-e', code], {
      encoding: 'utf8',
    })
    assert.equal(stdout, 'ERR_IPC_NOT_SUPPORTED\n')
  })
})

describe('a process that is killed while it makes a mutex', options, () => {
  /** Calls at whose beginning it is killed, and whether its mutex has its name by then. */
  const steps = { semget: false, semctl: false, linkat: false, unlinkat: true }
  for (const [call, named] of Object.entries(steps)) {
    test(`at ${call}, leaves ${named ? 'a mutex' : 'nothing that cleanup does not find'}`, needs('strace'), () => {
      const name = newName('mutex')
      const code = `import { Mutex } from '${new URL('../index.js', import.meta.url)}'; Mutex.open('${name}')`
      const node = [process.execPath, '--input-type=module', '-e', code]
      const log = join(tmpdir(), `os-ipc-spec-${process.pid}-calls`)
      const inject = ['-f', '-o', log, '-e', `trace=semget,${call}`, '-e', `inject=${call}:signal=SIGKILL:when=1`]
      cleanup()
      const { signal } = spawnSync('strace', [...inject, ...node])
      assert.equal(signal, 'SIGKILL')
      assert.equal(existsSync(fileOf('mutex', name)), named)
      // Others make some too, meanwhile.
      const made = [...readFileSync(log, 'latin1').matchAll(/semget\(.*= (\d+)$/gm)].map(([, id]) => Number(id))
      rmSync(log)
      const left = semaphoreIds().filter((id) => made.includes(id))
      assert.equal(left.length, call === 'semget' ? 0 : 1)
      const idsOf = (/** @type {ReturnType<typeof cleanup>} */ removed) =>
        removed.flatMap(({ kind, id }) => (kind === 'lock' && id !== undefined && left.includes(id) ? [id] : []))
      const dry = idsOf(cleanup({ dryRun: true }))
      assert.deepEqual(dry, named ? [] : left)
      cleanup()
      const after = semaphoreIds()
      assert.deepEqual(
        left.filter((id) => after.includes(id)),
        named ? left : [],
      )
      const { mutex } = newMutex(name)
      assert.equal(mutex.tryLock()?.abandoned, false)
      if (named) assert.equal(setOf('mutex', name), left[0])
      mutex.close()
    })
  }

  test('or while it unlinks one, leaves a name that the next one opens', needs('strace'), () => {
    const { name, mutex } = newMutex()
    mutex.close()
    const code = `import { Mutex } from '${new URL('../index.js', import.meta.url)}'; Mutex.unlink('${name}')`
    const inject = ['-f', '-o', '/dev/null', '-e', 'trace=unlink', '-e', 'inject=unlink:signal=SIGKILL:when=1']
    const { signal } = spawnSync('strace', [...inject, process.execPath, '--input-type=module', '-e', code])
    assert.equal(signal, 'SIGKILL')
    assert.ok(existsSync(fileOf('mutex', name)))
    const again = Mutex.open(name)
    again.tryLock()?.unlock()
    again.close()
  })
})

describe('a mutex whose file others spoil', options, () => {
  test('crashes nobody, and times out as ever', async () => {
    const { name, mutex } = newMutex()
    const code = `
      const { openSync, writeSync, ftruncateSync } = await import('node:fs')
      const { randomBytes } = await import('node:crypto')
      const fd = openSync(words[0], 'r+')
      say('spoiling')
      for (;;) {
        ftruncateSync(fd, Math.floor(Math.random() * 128))
        writeSync(fd, randomBytes(64), 0, 64, 0)
      }
    `
    const id = setOf('mutex', name)
    const spoiler = elsewhere(code, [fileOf('mutex', name)])
    await spoiler.says('spoiling')
    for (let i = 0; i < 20_000; i++) {
      const guard = mutex.tryLock()
      assert.ok(guard)
      guard.unlock()
    }
    const guard = mutex.lockSync()
    await assert.rejects(mutex.lock({ timeout: 20 }), { code: 'ETIMEDOUT' })
    for (let i = 0; i < 200; i++) {
      try {
        Mutex.open(name).close()
      } catch (error) {
        const { code } = /** @type {any} */ (error)
        assert.match(code, /^(ERR_INVALID_ARG_VALUE|ERR_IPC_VERSION|ERR_IPC_NOT_SUPPORTED)$/)
      }
    }
    guard.unlock()
    await spoiler.kill()
    mutex.close()
    rmSync(fileOf('mutex', name), { force: true })
    spawnSync('ipcrm', ['-s', String(id)])
  })
})

describe('a mutex is taken', options, () => {
  test('at once if it is free, and by one at a time', async () => {
    const { name, mutex } = newMutex()
    assert.equal(mutex.locked, false)
    const guard = mutex.tryLock()
    assert.ok(guard)
    assert.equal(guard.abandoned, false)
    assert.equal(mutex.locked, true)
    assert.equal(mutex.tryLock(), undefined)
    const other = elsewhere(HOLD, [name])
    await until(() => queued(name) === 1, 'the other one waits')
    assert.equal(other.stdout, '')
    guard.unlock()
    await other.says('in false')
    assert.equal(mutex.tryLock(), undefined)
    other.tell('leave')
    await other.succeeded()
    const again = await mutex.lock({ timeout: 0 })
    again.unlock()
    again.unlock()
    assert.equal(mutex.locked, false)
    mutex.close()
  })

  test('first come, first served, across processes', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    const code = `const guard = await ipc.Mutex.open(words[0]).lock(); say(words[1]); guard.unlock(); process.exit()`
    /** @type {string[]} */
    const order = []
    const children = []
    for (let i = 0; i < 5; i++) {
      const child = elsewhere(code, [name, `number ${i}`])
      child.says(`number ${i}`).then(() => order.push(child.stdout.trim()))
      children.push(child)
      await until(() => queued(name) === i + 1, `${i} waits`)
    }
    guard.unlock()
    await Promise.all(children.map((child) => child.succeeded()))
    // Each has said so before the next one could.
    const times = children.map((child) => child.outcome)
    await Promise.all(times)
    assert.deepEqual([...order].sort(), order)
    mutex.close()
  })

  test('first come, first served, within a process, with one thread for all who wait', async () => {
    const { mutex } = newMutex()
    const before = threads('os-ipc-waiter')
    const guard = mutex.lockSync()
    /** @type {number[]} */
    const order = []
    const all = Array.from({ length: 50 }, (_, i) => mutex.with(() => order.push(i)))
    await sleep(20)
    assert.ok(threads('os-ipc-waiter') <= before + 1)
    guard.unlock()
    await Promise.all(all)
    assert.deepEqual(order, [...Array(50).keys()])
    mutex.close()
  })

  test('and a timeout, an abort or a close ends the wait and takes nothing', async () => {
    const { mutex } = newMutex()
    const guard = mutex.lockSync()
    const controller = new AbortController()
    const timed = assert.rejects(mutex.lock({ timeout: 20 }), { code: 'ETIMEDOUT' })
    const aborted = assert.rejects(mutex.lock({ signal: controller.signal }), /enough/)
    await timed
    controller.abort(new Error('enough'))
    await aborted
    await assert.rejects(mutex.lock({ signal: AbortSignal.abort(new Error('before')) }), /before/)
    await assert.rejects(mutex.lock({ timeout: 0 }), { code: 'ETIMEDOUT' })
    assert.throws(() => mutex.lockSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
    guard.unlock()
    const { abandoned } = await mutex.lock().then((next) => {
      next.unlock()
      return next
    })
    assert.equal(abandoned, false)
    const last = mutex.lockSync()
    const closed = assert.rejects(mutex.lock(), { code: 'ERR_IPC_CLOSED' })
    mutex.close()
    await closed
    await assert.rejects(mutex.lock(), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => mutex.tryLock(), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => mutex.locked, { code: 'ERR_IPC_CLOSED' })
    last.unlock()
  })

  test('by whoever was not too late: thousands of races between timeouts and an unlock lose nothing', async () => {
    const { mutex } = newMutex()
    let taken = 0
    for (let round = 0; round < 2000; round++) {
      const guard = mutex.lockSync()
      const waiting = Array.from({ length: 5 }, (_, i) =>
        mutex.lock({ timeout: i === 0 ? 0.1 : round % 3 }).then(
          (own) => {
            taken++
            own.unlock()
          },
          (error) => assert.equal(error.code, 'ETIMEDOUT'),
        ),
      )
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      guard.unlock()
      await Promise.all(waiting)
    }
    assert.ok(taken > 0)
    assert.equal(mutex.locked, false)
    mutex.close()
  })

  test('for the time of a body, whatever becomes of that', async () => {
    const { mutex } = newMutex()
    assert.equal(await mutex.with((guard) => `${mutex.locked} ${guard.abandoned}`), 'true false')
    await assert.rejects(
      mutex.with(async () => {
        await sleep(1)
        throw new Error('of the body')
      }),
      /of the body/,
    )
    assert.equal(mutex.locked, false)
    await mutex.with((guard) => guard.unlock())
    // @ts-expect-error no function
    await assert.rejects(mutex.with('no'), { code: 'ERR_INVALID_ARG_TYPE' })
    mutex.close()
  })

  test('and held on when its handle is closed or forgotten, until the guard gives it back', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    mutex.close()
    const other = Mutex.open(name)
    assert.equal(other.tryLock(), undefined)
    guard.unlock()
    other.tryLock()?.unlock()
    assert.equal(other.locked, false)
    other.close()
  })

  test('by a process once: locking again waits for oneself', async () => {
    const { name, mutex } = newMutex()
    const second = Mutex.open(name)
    const guard = await mutex.lock()
    await assert.rejects(second.lock({ timeout: 20 }), { code: 'ETIMEDOUT' })
    guard.unlock()
    mutex.close()
    second.close()
  })
})

describe('the holder of a mutex', options, () => {
  test('is killed: the next one proceeds within 100 ms and is told, the one after is not', async () => {
    const { name, mutex } = newMutex()
    await staysUnder(100, async () => {
      const holder = elsewhere(HOLD, [name])
      await holder.says('in')
      const waiting = mutex.lock()
      const { guard, passed } = await killed(holder, waiting)
      assert.equal(guard.abandoned, true)
      guard.unlock()
      const after = mutex.tryLock()
      assert.equal(after?.abandoned, false)
      after.unlock()
      await holder.outcome
      return passed
    })
    mutex.close()
  })

  test('exits without a word: the next one is told', async () => {
    const { name, mutex } = newMutex()
    await elsewhere('await ipc.Mutex.open(words[0]).lock(); process.exit()', [name]).succeeded()
    assert.equal((await mutex.lock({ timeout: 1000 })).abandoned, true)
    mutex.close()
  })

  test('stands still: it holds on', async () => {
    const { name, mutex } = newMutex()
    const holder = elsewhere(HOLD, [name])
    await holder.says('in')
    process.kill(holder.pid, 'SIGSTOP')
    await assert.rejects(mutex.lock({ timeout: 50 }), { code: 'ETIMEDOUT' })
    process.kill(holder.pid, 'SIGCONT')
    holder.tell('leave')
    const guard = await mutex.lock({ timeout: 5000 })
    assert.equal(guard.abandoned, false)
    guard.unlock()
    await holder.succeeded()
    mutex.close()
  })

  test('is a worker that ends: the next one is told', async () => {
    const { name, mutex } = newMutex()
    const worker = inWorker(`globalThis.kept = ipc.Mutex.open(words[0]).lockSync(); setInterval(() => {}, 1000)`, [
      name,
    ])
    await until(() => mutex.locked, 'the worker holds it')
    const waiting = mutex.lock({ timeout: 5000 })
    await worker.terminate()
    const guard = await waiting
    assert.equal(guard.abandoned, true)
    guard.unlock()
    mutex.close()
  })

  test('is another thread than the one that asks: the process holds it', async () => {
    const { name, mutex } = newMutex()
    const worker = inWorker(
      `const { parentPort } = await import('node:worker_threads')
       const guard = await ipc.Mutex.open(words[0]).lock()
       parentPort.postMessage('in')
       parentPort.once('message', () => { guard.unlock(); parentPort.close() })`,
      [name],
    )
    const ended = once(worker, 'exit')
    await once(worker, 'message')
    assert.equal(mutex.tryLock(), undefined)
    worker.postMessage('leave')
    const guard = await mutex.lock({ timeout: 5000 })
    assert.equal(guard.abandoned, false)
    guard.unlock()
    await ended
    assert.equal(mutex.locked, false)
    mutex.close()
  })
})

describe('whoever waits for a mutex', options, () => {
  test('is told EIDRM when it is unlinked, and opens another one with the next call', async () => {
    const { name, mutex } = newMutex()
    const other = Mutex.open(name)
    const guard = other.lockSync()
    const waiting = [1, 2, 3].map(() => assert.rejects(mutex.lock(), { code: 'EIDRM' }))
    await sleep(5)
    Mutex.unlink(name)
    await Promise.all(waiting)
    const next = await mutex.lock({ timeout: 1000 })
    assert.equal(next.abandoned, false)
    // It was of the one that is gone.
    guard.unlock()
    assert.equal(mutex.locked, true)
    assert.equal(other.tryLock(), undefined)
    next.unlock()
    other.tryLock()?.unlock()
    mutex.close()
    other.close()
  })

  test('is terminated in lockSync within 200 ms, and takes nothing with it', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    await staysUnder(200, async () => {
      const worker = inWorker('ipc.Mutex.open(words[0]).lockSync()', [name])
      await until(() => queued(name) === 1, 'the worker waits')
      const took = await timeOf(() => worker.terminate())
      await until(() => queued(name) === 0, 'nobody waits')
      return took
    })
    guard.unlock()
    mutex.tryLock()?.unlock()
    assert.equal(mutex.locked, false)
    mutex.close()
  })

  test('keeps its place in lockSync of a worker, however long others hold', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    const worker = inWorker(
      `const guard = ipc.Mutex.open(words[0]).lockSync()
       const { parentPort } = await import('node:worker_threads')
       parentPort.postMessage(Date.now())
       guard.unlock()`,
      [name],
    )
    await until(() => queued(name) === 1, 'the worker waits')
    await sleep(250)
    const mine = mutex.lock().then((own) => {
      own.unlock()
      return Date.now()
    })
    await until(() => queued(name) === 2, 'so do we')
    guard.unlock()
    const [[theirs], ours] = await Promise.all([once(worker, 'message'), mine])
    assert.ok(theirs <= ours)
    mutex.close()
  })

  test('is a process that is killed: it takes nothing with it', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    const waiter = elsewhere(HOLD, [name])
    await until(() => queued(name) === 1, 'it waits')
    await waiter.kill()
    guard.unlock()
    assert.equal(mutex.tryLock()?.abandoned, false)
    mutex.close()
  })

  test('costs no processor time: a thousand for half a second', async () => {
    const { mutex } = newMutex()
    const guard = mutex.lockSync()
    const waiting = Array.from({ length: 1000 }, () => mutex.lock().then((own) => own.unlock()))
    await sleep(50)
    await staysUnder(10_000, () => idleTime(500))
    guard.unlock()
    await Promise.all(waiting)
    mutex.close()
  })

  test('is served as often as others: of four processes none gets less than 0.9 of the mean', async () => {
    const { name, mutex } = newMutex()
    const guard = mutex.lockSync()
    const code = `
      const mutex = ipc.Mutex.open(words[0])
      const end = Number(words[1])
      let count = 0
      for (;;) {
        const guard = await mutex.lock()
        if (Date.now() >= end) { guard.unlock(); break }
        count++
        // So that all others are in line again by then, however busy the machine is.
        await new Promise((resolve) => setTimeout(resolve, 2))
        guard.unlock()
      }
      say(count)
      process.exit()
    `
    const end = Date.now() + 1500
    const children = Array.from({ length: 4 }, () => elsewhere(code, [name, end]))
    await until(() => queued(name) === 4, 'all wait')
    guard.unlock()
    const counts = (await Promise.all(children.map((child) => child.succeeded()))).map(Number)
    const mean = counts.reduce((sum, value) => sum + value) / counts.length
    assert.ok(Math.min(...counts) >= 0.9 * mean, counts.join(' '))
    mutex.close()
  })
})
