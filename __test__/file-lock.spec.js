/** Locks on files: between processes, between handles, on ranges; and what becomes of waits that are given up. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, copyFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Fifo, FileLock } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { closeAll, locksOn, newFile, open, waitingFor } from './support/file-locks.js'
import { newFolder } from './support/folder.js'
import { descriptors, until } from './support/state.js'

const limit = { timeout: 30_000 }
/** More of them with OS_IPC_ROUNDS=1000. */
const rounds = Number(process.env.OS_IPC_ROUNDS ?? 10)
const folder = newFolder()
afterEach(closeAll)

/** What another process could lock now. @param {string} path @param {...object} options */
async function seenBy(path, ...options) {
  const told = await output(fixture('file-lock-try.js'), [path, ...options.map((each) => JSON.stringify(each))])
  return told.trim().split('\n')
}

/** @param {string} path @param {object} [options] */
async function heldElsewhere(path, options = {}) {
  const child = start(fixture('file-lock-hold.js'), [path, JSON.stringify(options)], { stdin: 'pipe' })
  await child.says('held')
  return child
}

describe('a lock of a file', limit, () => {
  test('keeps other processes and other handles out until it is unlocked', async () => {
    const path = newFile(folder)
    const [lock, other] = [open(path), open(path)]
    const guard = await lock.lock()
    assert.equal(guard.abandoned, false)
    assert.equal(other.tryLock(), undefined)
    assert.equal(lock.tryLock(), undefined)
    assert.deepEqual(await seenBy(path, {}, { shared: true }), ['taken', 'taken'])
    assert.deepEqual(locksOn(path), ['exclusive 0 EOF'])
    guard.unlock()
    guard.unlock()
    assert.deepEqual(await seenBy(path, {}, { shared: true }), ['free', 'free'])
    assert.deepEqual(locksOn(path), [])
  })

  test('waits for another process, and gets it when that lets go', async () => {
    const path = newFile(folder)
    const holder = await heldElsewhere(path)
    const waiting = open(path).lock()
    await until(() => waitingFor(path) === 1, 'the thread stands in the queue')
    holder.tell('go')
    const guard = await waiting
    await holder.says('free')
    guard.unlock()
    await holder.succeeded()
  })

  test('shared is shared, and keeps exclusive ones out', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const guards = [await lock.lock({ shared: true }), lock.lockSync({ shared: true }), lock.tryLock({ shared: true })]
    assert.deepEqual(await seenBy(path, { shared: true }, {}), ['free', 'taken'])
    for (const guard of guards) {
      assert.equal(lock.tryLock(), undefined)
      guard?.unlock()
    }
    lock.tryLock()?.unlock()
  })

  test('of a range leaves the rest alone; length 0 goes to the end, beyond the last byte too', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const middle = lock.tryLock({ start: 10, length: 10 })
    const far = lock.tryLock({ start: 2 ** 53 - 1, length: 2 ** 53 - 1, shared: true })
    const rest = lock.tryLock({ start: 2 ** 52, length: 1 })
    assert.deepEqual(
      await seenBy(path, { length: 10 }, { start: 19, length: 1 }, { start: 20, length: 5 }, { start: 20 }, {}),
      ['free', 'taken', 'free', 'taken', 'taken'],
    )
    assert.equal(locksOn(path).length, 3)
    for (const guard of [middle, far, rest]) guard?.unlock()
  })

  test('never replaces, joins or weakens another one of the same handle', () => {
    const path = newFile(folder)
    const lock = open(path)
    const [one, two] = [lock.tryLock({ length: 10 }), lock.tryLock({ start: 10, length: 10 })]
    assert.equal(lock.tryLock({ shared: true }), undefined)
    assert.equal(lock.tryLock({ start: 5, length: 10, shared: true }), undefined)
    assert.deepEqual(locksOn(path), ['exclusive 0 9', 'exclusive 10 19'])
    one?.unlock()
    assert.deepEqual(locksOn(path), ['exclusive 10 19'])
    two?.unlock()
  })

  test('counts exactly across four processes, awaited and blocking', async () => {
    const path = newFile(folder, '0')
    const children = [1, 2, 3, 4].map(() => start(fixture('file-lock-count.js'), [path, 25]))
    await Promise.all(children.map((child) => child.succeeded()))
    assert.equal(readFileSync(path, 'utf8'), '200')
  })

  test('with() gives back whatever its body does', async () => {
    const path = newFile(folder)
    const lock = open(path)
    assert.equal(await lock.with(() => lock.tryLock() ?? 'held'), 'held')
    assert.equal(await lock.with(async (guard) => guard.abandoned), false)
    const mine = new Error('of the body')
    await assert.rejects(
      lock.with(() => {
        throw mine
      }),
      mine,
    )
    await assert.rejects(lock.with(/** @type {any} */ (5)), { code: 'ERR_INVALID_ARG_TYPE' })
    await lock.with((guard) => guard.unlock())
    assert.deepEqual(locksOn(path), [])
  })

  test('a guard is disposable, and of its own class alone', () => {
    const guard = open(newFile(folder)).lockSync()
    const dispose = /** @type {any} */ (guard)[Symbol.dispose ?? Symbol.for('nodejs.dispose')]
    assert.throws(() => dispose.call({}), TypeError)
    assert.throws(() => guard.unlock.call(/** @type {any} */ ({})), { code: 'ERR_INVALID_THIS' })
    assert.throws(() => new /** @type {any} */ (guard).constructor(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    dispose.call(guard)
    dispose.call(guard)
    guard.unlock()
  })
})

describe('who waits for a lock of a file', limit, () => {
  test('is served first come, first served where ranges conflict, and never held up by a disjoint range', async () => {
    const lock = open(newFile(folder))
    const guard = lock.lockSync({ length: 10 })
    /** @type {string[]} */
    const order = []
    const wait = (/** @type {string} */ name, /** @type {object} */ range) =>
      lock.with(async () => {
        order.push(name)
      }, range)
    const all = [
      wait('first', { length: 5 }),
      wait('all', {}),
      wait('behind all', { start: 50, length: 1 }),
      wait('second', { start: 5, length: 5, shared: true }),
    ]
    // Behind none of these.
    const free = open(lock.path ?? '')
    await free.with(() => order.push('disjoint'), { start: 100, length: 5 })
    guard.unlock()
    await Promise.all(all)
    assert.deepEqual(order.slice(0, 3), ['disjoint', 'first', 'all'])
    // Neither holds the other one up.
    assert.deepEqual(order.slice(3).sort(), ['behind all', 'second'])
  })

  test('reads together, writes alone, and neither overtakes the other', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const writer = lock.lockSync()
    /** @type {Set<{ most: number }>} */
    const inside = new Set()
    /** @type {string[]} */
    const order = []
    const enter = (/** @type {boolean} */ shared) =>
      lock.with(
        async () => {
          const one = { most: 0 }
          inside.add(one)
          for (const each of inside) each.most = Math.max(each.most, inside.size)
          // Whoever can be here at the same time has come by then.
          await lock.lock({ timeout: 20 }).catch(() => {})
          order.push(`${shared ? 'r' : 'w'}${one.most}`)
          inside.delete(one)
        },
        { shared },
      )
    const all = [true, true, false, true, true, true, false].map(enter)
    writer.unlock()
    await Promise.all(all)
    assert.deepEqual(order, ['r2', 'r2', 'w1', 'r3', 'r3', 'r3', 'w1'])
  })

  test('need one thread for the same bytes, and no processor time: a thousand of them', async () => {
    const path = newFile(folder)
    const holder = await heldElsewhere(path)
    const child = start(fixture('file-lock-many.js'), [path, 1000])
    await child.says('waiting')
    holder.tell('go')
    const told = JSON.parse((await child.succeeded()).split('\n')[1])
    assert.ok(told.more <= 3, `${told.more} threads more`)
    assert.ok(told.ms < 50, `${told.ms} ms`)
    assert.equal(told.inOrder, true)
    await holder.succeeded()
  })

  test('hears ETIMEDOUT, in time, and not where it can be had', async () => {
    const lock = open(newFile(folder))
    const guard = lock.lockSync()
    for (const wait of [() => lock.lock({ timeout: 40 }), async () => lock.lockSync({ timeout: 40 })]) {
      const began = performance.now()
      await assert.rejects(wait(), { code: 'ETIMEDOUT' })
      assert.ok(performance.now() - began >= 40)
    }
    await assert.rejects(lock.lock({ timeout: 0 }), { code: 'ETIMEDOUT' })
    assert.throws(() => lock.lockSync({ timeout: 0 }), { code: 'ETIMEDOUT' })
    guard.unlock()
    for (const timeout of [0, 0.1, 1e300]) {
      ;(await lock.lock({ timeout })).unlock()
      lock.lockSync({ timeout }).unlock()
    }
    // Its timer and the unlock are due at the same time.
    const again = lock.lockSync()
    const waiting = lock.lock({ timeout: 5 })
    const end = performance.now() + 20
    while (performance.now() < end);
    again.unlock()
    ;(await waiting).unlock()
  })

  test('goes with the signal, and leaves no listener behind', async () => {
    const lock = open(newFile(folder))
    const controller = new AbortController()
    const { signal } = controller
    ;(await lock.lock({ signal })).unlock()
    const guard = lock.lockSync()
    const waits = [lock.lock({ signal }), lock.lock({ signal, shared: true }), lock.lock({ signal, start: 5 })]
    const behind = lock.lock()
    const mine = new Error('mine')
    controller.abort(mine)
    for (const outcome of await Promise.allSettled(waits)) {
      assert.deepEqual(outcome, { status: 'rejected', reason: mine })
    }
    await assert.rejects(lock.lock({ signal }), mine)
    guard.unlock()
    ;(await behind).unlock()
    assert.deepEqual(locksOn(lock.path ?? ''), [])
  })

  test('lets those behind it go on when it gives up', async () => {
    const lock = open(newFile(folder))
    const guard = lock.lockSync({ length: 1 })
    const controller = new AbortController()
    const first = lock.lock({ signal: controller.signal })
    const second = lock.lock({ start: 5, length: 1 })
    const third = lock.lock({ start: 5, shared: true })
    controller.abort()
    await assert.rejects(first)
    ;(await second).unlock()
    ;(await third).unlock()
    guard.unlock()
  })

  test('and is called off at any moment has it or has not: nothing stays locked', async () => {
    const path = newFile(folder)
    const [lock, other] = [open(path), open(path)]
    let [had, given] = [0, 0]
    for (let i = 0; i < 400; i++) {
      const guard = other.lockSync()
      const controller = new AbortController()
      const settled = Promise.allSettled([
        lock.lock({ signal: controller.signal }),
        lock.lock({ timeout: Math.random() }),
      ])
      const pause = Math.random() * 0.4
      const end = performance.now() + pause
      guard.unlock()
      if (i % 2) await new Promise(setImmediate)
      while (performance.now() < end);
      controller.abort()
      for (const outcome of await settled) {
        if (outcome.status === 'fulfilled') outcome.value.unlock()
        if (outcome.status === 'fulfilled') had++
        else given++
      }
      lock.lockSync({ timeout: 5000 }).unlock()
    }
    assert.ok(had > 0 && given > 0, `${had} had, ${given} given up`)
    await until(() => locksOn(path).length === 0, 'nothing is locked')
  })

  test('hears ERR_IPC_CLOSED at the close, and what has been granted stays', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const guard = lock.lockSync({ length: 1 })
    const waits = Array.from({ length: 64 }, (_, i) => lock.lock({ start: i % 3 ? 0 : i, shared: i % 2 === 0 }))
    const settled = Promise.allSettled(waits)
    lock.close()
    lock.close()
    let open64 = 0
    for (const outcome of await settled) {
      if (outcome.status === 'fulfilled') {
        open64++
        outcome.value.unlock()
      } else assert.equal(outcome.reason.code, 'ERR_IPC_CLOSED')
    }
    assert.ok(open64 < 64)
    assert.deepEqual(locksOn(path), ['exclusive 0 0'])
    for (const call of [() => lock.tryLock(), () => lock.lockSync(), () => lock.dup(), () => lock.detach()]) {
      assert.throws(call, { code: 'ERR_IPC_CLOSED' })
    }
    await assert.rejects(lock.lock(), { code: 'ERR_IPC_CLOSED' })
    assert.equal(lock.fd, -1)
    guard.unlock()
    assert.deepEqual(locksOn(path), [])
  })

  test('beyond pendingLimit hears ERR_IPC_LIMIT', async () => {
    const lock = open(newFile(folder))
    const guard = lock.lockSync()
    lock.pendingLimit = 2
    const waits = [lock.lock(), lock.lock()]
    await assert.rejects(lock.lock(), { code: 'ERR_IPC_LIMIT' })
    guard.unlock()
    for (const wait of waits) (await wait).unlock()
  })

  test('keeps the process alive, unless the handle is unref’d', async () => {
    const path = newFile(folder)
    const holder = await heldElsewhere(path)
    const code = `import { FileLock } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const lock = FileLock.open(process.argv[1])
      if (process.argv[2] === 'unref') lock.unref()
      lock.lock().then((guard) => { guard.unlock(); lock.close(); console.log('had it') })`
    const node = (/** @type {string} */ word) =>
      spawn(process.execPath, ['--input-type=module', '-e', code, path, word], { stdio: ['ignore', 'pipe', 'inherit'] })
    assert.deepEqual(await once(node('unref'), 'exit'), [0, null])
    const child = node('ref')
    await until(() => waitingFor(path) === 1, 'it waits')
    holder.tell('go')
    const [text] = await once(child.stdout, 'data')
    assert.equal(String(text), 'had it\n')
    await holder.succeeded()
  })
})

describe('the holder of a lock of a file', limit, () => {
  test(`is killed, ${rounds} times: who waits has it within 100 ms, as a rule`, async () => {
    const path = newFile(folder)
    const lock = open(path)
    /** @type {number[]} */
    const times = []
    for (let i = 0; i < rounds; i++) {
      const holder = await heldElsewhere(path)
      const waiting = lock.lock()
      await until(() => waitingFor(path) === 1, 'it waits')
      const began = performance.now()
      holder.process.kill('SIGKILL')
      ;(await waiting).unlock()
      times.push(performance.now() - began)
      await holder.outcome
    }
    times.sort((one, other) => one - other)
    assert.ok(times[Math.floor(times.length / 2)] < 100, `${times}`)
    assert.ok(times[times.length - 1] < 2000, `${times}`)
  })

  test('is a worker that ends: it is freed, and what it waited for is not taken', async () => {
    for (const way of ['await', 'block']) {
      const [held, wanted] = [newFile(folder), newFile(folder)]
      const guard = open(wanted).lockSync()
      const worker = new Worker(fixture('file-lock-worker.js'), { workerData: { held, wanted, way } })
      await once(worker, 'message')
      await until(() => waitingFor(wanted) === 1, 'the worker waits')
      assert.equal(open(held).tryLock(), undefined)
      const began = performance.now()
      await worker.terminate()
      assert.ok(performance.now() - began < 1000)
      open(held).lockSync({ timeout: 5000 }).unlock()
      guard.unlock()
      await until(() => locksOn(wanted).length === 0 && waitingFor(wanted) === 0, 'nothing is left')
    }
  })

  test('may end by process.exit, whatever waits', async () => {
    const path = newFile(folder)
    const guard = open(path).lockSync()
    const { code, signal, stdout, stderr } = await run(fixture('file-lock-wait-and-exit.js'), [path])
    assert.deepEqual({ code, signal, stdout, stderr }, { code: 7, signal: null, stdout: '', stderr: '' })
    await until(() => waitingFor(path) === 0, 'nobody waits')
    guard.unlock()
  })

  test('may forget it: what is held stays, what is only open is closed', async () => {
    const path = newFile(folder)
    const told = async (/** @type {string} */ what) =>
      JSON.parse(await output(fixture('file-lock-forget.js'), [path, what], { node: ['--expose-gc', '--no-warnings'] }))
    const { open: left, ...rest } = await told('handles')
    assert.deepEqual(rest, { locks: 0, warnings: 1 })
    // The last one may stand in a register still.
    assert.ok(left <= 1, `${left} descriptors`)
    assert.deepEqual(await told('guards'), { locks: 100, open: 200, warnings: 0 })
  })

  test('gives its children nothing: they have no descriptor, and do not hold it on', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const guard = lock.lockSync()
    const child = spawn('sh', ['-c', 'ls -l /proc/self/fd; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [listing] = await once(child.stdout, 'data')
    assert.ok(!String(listing).includes(path), String(listing))
    guard.unlock()
    assert.deepEqual(await seenBy(path, {}), ['free'])
    child.stdin.end()
    await once(child, 'exit')
  })
})

describe('opening a file to lock it', limit, () => {
  test('makes it with create alone, with the mode and the umask, and never truncates', () => {
    const path = join(folder, 'new')
    assert.throws(() => FileLock.open(path), { code: 'ENOENT', syscall: 'open', path })
    const before = process.umask(0o027)
    try {
      FileLock.open(path, { create: true, mode: 0o666 }).close()
      FileLock.open(`${path}-er`, { create: true }).close()
    } finally {
      process.umask(before)
    }
    assert.equal(statSync(path).mode & 0o777, 0o640)
    assert.equal(statSync(`${path}-er`).mode & 0o777, 0o600)
    writeFileSync(path, 'kept')
    const lock = FileLock.open(pathToFileURL(path), { create: true })
    assert.equal(lock.path, path)
    lock.lockSync().unlock()
    lock.close()
    assert.equal(readFileSync(path, 'utf8'), 'kept')
  })

  test('follows a symbolic link, and makes nothing through one', () => {
    const path = newFile(folder)
    symlinkSync(path, `${path}-link`)
    const guard = open(`${path}-link`).lockSync()
    assert.equal(open(path).tryLock(), undefined)
    guard.unlock()
    symlinkSync(`${path}-nowhere`, `${path}-dangling`)
    assert.throws(() => FileLock.open(`${path}-dangling`, { create: true }), { code: 'ELOOP' })
    assert.throws(() => statSync(`${path}-nowhere`), { code: 'ENOENT' })
  })

  test('refuses what is no regular file, without opening it', async () => {
    const fifo = Fifo.create(join(folder, 'fifo'))
    const server = createServer().listen(join(folder, 'socket'))
    await once(server, 'listening')
    for (const path of [folder, '/dev/null', join(folder, 'fifo'), join(folder, 'socket')]) {
      for (const create of [true, false]) {
        assert.throws(() => FileLock.open(path, { create }), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', path })
      }
    }
    server.close()
    fifo.unlink()
  })

  test('of one that cannot be written allows shared locks, and says what the others need', async () => {
    // A program that runs cannot be written, by root either.
    const path = join(folder, 'program')
    copyFileSync('/bin/sleep', path)
    const program = spawn(path, ['60'])
    await once(program, 'spawn')
    const lock = open(path)
    const guard = lock.tryLock({ shared: true })
    assert.deepEqual(locksOn(path), ['shared 0 EOF'])
    const refusal = { code: 'EBADF', path, hint: /write/ }
    assert.throws(() => lock.tryLock(), refusal)
    assert.throws(() => lock.lockSync(), refusal)
    await assert.rejects(lock.lock(), refusal)
    guard?.unlock()
    program.kill()
    await once(program, 'exit')
  })

  test('costs a descriptor, and one for each lock; all are closed on exec and go with the handle', async () => {
    const path = newFile(folder)
    // Whatever is made at the first wait.
    const warm = open(path)
    const first = warm.lockSync()
    await assert.rejects(warm.lock({ timeout: 1 }))
    first.unlock()
    warm.close()
    const before = descriptors()
    for (let i = 0; i < 50; i++) {
      const lock = FileLock.open(path)
      assert.ok(lock.fd > 2)
      const guards = Array.from({ length: 5 }, () => lock.lockSync({ shared: true }))
      for (const guard of guards) guard.unlock()
      await lock.with(() => {})
      lock.close()
    }
    // The thread that was called off may have been about to close one.
    assert.ok(descriptors() <= before)
  })

  test('dup() is a handle of its own, with a queue of its own', async () => {
    const path = newFile(folder)
    const lock = open(path)
    const copy = lock.dup()
    const guard = lock.lockSync()
    assert.equal(copy.tryLock(), undefined)
    const waiting = copy.lock()
    lock.close()
    guard.unlock()
    ;(await waiting).unlock()
    assert.equal(copy.path, path)
    copy.close()
  })

  test('detach() gives up the descriptor, and no lock hangs on it', () => {
    const path = newFile(folder)
    const lock = open(path)
    const guard = lock.lockSync()
    const fd = lock.detach()
    assert.equal(lock.closed, true)
    assert.equal(readFileSync(fd, 'utf8'), '0123456789')
    const same = FileLock.open(`/proc/self/fd/${fd}`)
    assert.equal(same.tryLock(), undefined)
    guard.unlock()
    same.lockSync().unlock()
    same.close()
    closeSync(fd)
  })
})
