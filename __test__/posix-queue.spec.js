/** POSIX message queues: what the kernel's own semantics add to what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Handle, PosixMessageQueue, pipe } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { closeQueuesAfter, fill, keep, namedQueue, newName, newQueue } from './support/posix.js'
import { descriptors, flags, link, stateOf, threads, turn, until } from './support/state.js'

const { parcelOf, rebuild } = inside['handover.js']

const options = { timeout: 60_000 }
const isRoot = process.getuid?.() === 0
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
/** With CI=true everything is done in full. */
const FULL = process.env.CI === 'true'
const GIVEN_UP = FULL ? 100_000 : 10_000

closeQueuesAfter()

/** @param {any} error */
const code = (error) => error.code

/** @param {import('../index.js').PosixMessage | undefined} message */
const brief = (message) => message && [String(message.data), message.priority]

/** Whether a promise is still pending, once whatever is ready has been told. @param {Promise<unknown>} promise */
async function isPending(promise) {
  await turn()
  await turn()
  return Promise.race([promise.then(() => false), turn().then(() => true)])
}

describe('a POSIX queue is opened', options, () => {
  test('with null under a new name that nobody can guess, close-on-exec, for nobody else', () => {
    const [one, other] = [namedQueue(), namedQueue()]
    one.unlink()
    other.unlink()
    assert.ok(one instanceof PosixMessageQueue && one instanceof Handle)
    assert.match(one.name, /^\/os-ipc-[0-9a-f]{32}$/)
    assert.notEqual(one.name, other.name)
    assert.equal(flags('self', one.fd) & (O_CLOEXEC | O_NONBLOCK), O_CLOEXEC)
    assert.equal(fstatSync(one.fd).mode & 0o777, 0o600)
  })

  test('its constants are properties of its own that cannot be written', () => {
    const queue = newQueue()
    assert.deepEqual(Object.keys(queue).sort(), ['fd', 'maxMessageSize', 'maxMessages', 'name'])
    assert.deepEqual([queue.maxMessages, queue.maxMessageSize], [3, 64])
    assert.throws(() => Object.assign(queue, { name: 'x' }), TypeError)
    const { name } = queue
    queue.close()
    assert.deepEqual([queue.fd, queue.name, queue.maxMessages], [-1, name, 3])
  })

  test('by its name: create makes what is missing, exclusive only that, and nothing empties it', () => {
    const name = newName()
    const missing = { code: 'ENOENT', errno: -2, syscall: 'mq_open', path: name }
    assert.throws(() => PosixMessageQueue.open(name), missing)
    const sizes = { maxMessages: 2, maxMessageSize: 16 }
    const made = keep(PosixMessageQueue.open(name, { create: true, exclusive: true, ...sizes }))
    try {
      assert.equal(made.name, name)
      made.sendSync('kept')
      assert.throws(() => PosixMessageQueue.open(name, { create: true, exclusive: true }), { code: 'EEXIST' })
      const found = keep(PosixMessageQueue.open(name, { create: true, maxMessages: 1, maxMessageSize: 1 }))
      assert.deepEqual([found.maxMessages, found.maxMessageSize, found.size], [2, 16, 1])
      found.close()
      assert.equal(keep(PosixMessageQueue.open(name)).size, 1)
    } finally {
      made.unlink()
    }
  })

  test('with the permissions asked for, less the umask', () => {
    const before = process.umask(0o022)
    try {
      assert.equal(fstatSync(newQueue({ mode: 0o666 }).fd).mode & 0o777, 0o644)
      process.umask(0)
      assert.equal(fstatSync(newQueue({ mode: 0o642 }).fd).mode & 0o777, 0o642)
    } finally {
      process.umask(before)
    }
  })

  test('for one direction, in which the other one is EBADF', async () => {
    const queue = namedQueue()
    const [reader, writer] = ['r', 'w'].map((access) =>
      keep(PosixMessageQueue.open(queue.name, { access: /** @type {'r' | 'w'} */ (access) })),
    )
    queue.unlink()
    for (const wait of [{}, { timeout: 0 }]) {
      await assert.rejects(reader.send('x', wait), { code: 'EBADF', syscall: 'mq_send', hint: /for receiving only/ })
      await assert.rejects(writer.recv(wait), { code: 'EBADF', syscall: 'mq_receive', hint: /for sending only/ })
    }
    assert.throws(() => reader.trySend('x'), { code: 'EBADF' })
    assert.throws(() => reader.sendSync('x'), { code: 'EBADF' })
    assert.throws(() => writer.tryRecv(), { code: 'EBADF' })
    assert.throws(() => writer.recvSync(), { code: 'EBADF' })
    await writer.send('x')
    assert.deepEqual(brief(await reader.recv()), ['x', 0])
  })

  test('under no name that could not be one, before any call', () => {
    const names = ['', 'x', '/', '/.', '/..', '//x', '/a/b', '/../x', 'a/b', '/a\0b', `/${'x'.repeat(255)}`]
    for (const name of names) {
      const refusal = { name: 'TypeError', code: 'ERR_IPC_INVALID_NAME' }
      assert.throws(() => PosixMessageQueue.open(name), refusal, JSON.stringify(name))
      assert.throws(() => PosixMessageQueue.open(name, { create: true }), refusal)
      assert.throws(() => PosixMessageQueue.unlink(name), refusal)
    }
    for (const name of [`${newName()}${'x'.repeat(200)}`.slice(0, 255), '/...', `${newName()} ö\n`]) {
      PosixMessageQueue.open(name, { create: true, maxMessages: 1, maxMessageSize: 1 }).close()
      PosixMessageQueue.unlink(name)
    }
  })

  test('with arguments that are checked before any call', () => {
    for (const name of [undefined, 7, {}, true, Symbol('x')]) {
      assert.throws(() => PosixMessageQueue.open(/** @type {any} */ (name)), { code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => PosixMessageQueue.unlink(/** @type {any} */ (name)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.throws(() => PosixMessageQueue.unlink(/** @type {any} */ (null)), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => PosixMessageQueue.open(null), { code: 'ERR_INVALID_ARG_VALUE' })
    const wrong = [
      [{ maxMessages: 0 }, 'ERR_OUT_OF_RANGE'],
      [{ maxMessages: 1.5 }, 'ERR_OUT_OF_RANGE'],
      [{ maxMessageSize: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ maxMessageSize: 2 ** 53 }, 'ERR_OUT_OF_RANGE'],
      [{ maxMessageSize: '8' }, 'ERR_INVALID_ARG_TYPE'],
      [{ mode: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ mode: 0o10000 }, 'ERR_OUT_OF_RANGE'],
      [{ create: 1 }, 'ERR_INVALID_ARG_TYPE'],
      [{ exclusive: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
      [{ access: 'x' }, 'ERR_INVALID_ARG_VALUE'],
      [{ access: 2 }, 'ERR_INVALID_ARG_TYPE'],
      [null, 'ERR_INVALID_ARG_TYPE'],
      ['rw', 'ERR_INVALID_ARG_TYPE'],
    ]
    const name = newName()
    for (const [given, expected] of wrong) {
      const call = () => PosixMessageQueue.open(name, /** @type {any} */ (given))
      assert.throws(call, { code: expected }, JSON.stringify(given))
    }
  })

  test('by a descriptor of one, which it then owns', () => {
    const queue = newQueue()
    const same = queue.dup()
    const fd = same.detach()
    assert.deepEqual([same.closed, same.fd], [true, -1])
    const adopted = keep(PosixMessageQueue.fromFd(fd))
    assert.deepEqual([adopted.fd, adopted.name, adopted.maxMessages], [fd, null, 3])
    assert.throws(() => PosixMessageQueue.fromFd(fd), { code: 'ERR_INVALID_ARG_VALUE' })
    adopted.sendSync('x')
    assert.deepEqual(brief(queue.tryRecv()), ['x', 0])
    assert.throws(() => adopted.unlink(), { code: 'ERR_INVALID_STATE' })
    adopted.close()
    assert.equal(link('self', fd), undefined)
  })

  test('by no descriptor of anything else, which stays its owner’s', () => {
    const file = openSync('/dev/null', 'r+')
    const { reader, writer } = pipe()
    try {
      for (const fd of [file, 0]) {
        assert.throws(() => PosixMessageQueue.fromFd(fd), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
        assert.ok(link('self', fd))
      }
      assert.throws(() => PosixMessageQueue.fromFd(reader.fd), { code: 'ERR_INVALID_ARG_VALUE' })
      assert.throws(() => PosixMessageQueue.fromFd(99_999), { code: 'EBADF' })
      for (const fd of [-1, 1.5, 2 ** 31, '3', null]) {
        const expected = typeof fd === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE'
        assert.throws(() => PosixMessageQueue.fromFd(/** @type {any} */ (fd)), { code: expected })
      }
    } finally {
      closeSync(file)
      reader.close()
      writer.close()
    }
  })

  test('and goes on after its name is gone, which goes once', () => {
    const queue = namedQueue()
    PosixMessageQueue.unlink(queue.name)
    for (const unlink of [() => queue.unlink(), () => PosixMessageQueue.unlink(queue.name)]) {
      assert.throws(unlink, { code: 'ENOENT', syscall: 'mq_unlink', path: queue.name })
    }
    queue.sendSync('x')
    assert.equal(queue.size, 1)
  })

  test('and closes without a trace', () => {
    const before = descriptors()
    for (let round = 0; round < 1000; round++) {
      const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 1, maxMessageSize: 8 })
      queue.unlink()
      queue.dup().close()
      queue.close()
      queue.close()
    }
    assert.equal(descriptors(), before)
  })
})

describe('messages', options, () => {
  test('come by priority, the oldest first among equals, and tell it', async () => {
    const queue = newQueue()
    await queue.send('low')
    queue.sendSync('first', { priority: 7 })
    assert.equal(queue.trySend('second', { priority: 7 }), true)
    assert.equal(queue.size, 3)
    assert.deepEqual(brief(await queue.recv()), ['first', 7])
    assert.deepEqual(brief(queue.recvSync()), ['second', 7])
    assert.deepEqual(brief(queue.tryRecv()), ['low', 0])
    assert.equal(queue.tryRecv(), undefined)
    assert.equal(queue.size, 0)
  })

  test('have a priority of 0 to 32,767', async () => {
    const queue = newQueue()
    for (const priority of [32_767, 256, 255, 0]) {
      await queue.send('x', { priority })
      assert.deepEqual(brief(await queue.recv()), ['x', priority])
    }
    for (const priority of [-1, 32_768, 1.5, Number.NaN, 2 ** 32]) {
      await assert.rejects(queue.send('x', { priority }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => queue.trySend('x', { priority }), { code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => queue.sendSync('x', { priority }), { code: 'ERR_OUT_OF_RANGE' })
    }
    for (const priority of ['1', null, 1n]) {
      await assert.rejects(queue.send('x', /** @type {any} */ ({ priority })), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.equal(queue.size, 0)
  })

  test('may be empty, and as long as the queue allows', async () => {
    const queue = newQueue()
    for (const data of ['', new Uint8Array(0), 'x'.repeat(64), Buffer.alloc(64, 1)]) {
      await queue.send(data)
      const { data: received } = await queue.recv()
      assert.ok(Buffer.isBuffer(received))
      assert.deepEqual(received, Buffer.from(data))
    }
  })

  test('that are longer are EMSGSIZE, are not sent, and say which limit it was', async () => {
    const queue = newQueue()
    const refusal = {
      name: 'Error',
      code: 'EMSGSIZE',
      errno: -90,
      syscall: 'mq_send',
      hint: /maxMessageSize.*msgsize_max/,
    }
    await assert.rejects(queue.send('x'.repeat(65)), refusal)
    assert.throws(() => queue.trySend(Buffer.alloc(65)), refusal)
    assert.throws(() => queue.sendSync('ö'.repeat(33)), refusal)
    assert.equal(queue.size, 0)
  })

  test('of 8 KiB each are their receiver’s own', async () => {
    const queue = newQueue({ maxMessages: 2, maxMessageSize: 8192 })
    const received = []
    for (let round = 0; round < 8; round++) {
      queue.sendSync(Buffer.alloc(8192 - round, round))
      received.push((await queue.recv()).data)
    }
    for (const [round, data] of received.entries()) assert.deepEqual(data, Buffer.alloc(8192 - round, round))
  })

  test('wait for room in the order of their calls, whatever their priority', async () => {
    const queue = newQueue({ maxMessages: 1 })
    await queue.send('a')
    const sends = [queue.send('b', { priority: 1 }), queue.send('c', { priority: 9 })]
    const withdrawn = assert.rejects(queue.send('never', { timeout: 20 }), { code: 'ETIMEDOUT' })
    sends.push(queue.send('d'))
    assert.equal(queue.trySend('e', { priority: 9 }), false)
    await withdrawn
    for (const text of ['a', 'b', 'c', 'd']) assert.equal(String((await queue.recv()).data), text)
    await Promise.all(sends)
    assert.equal(queue.size, 0)
  })

  test('that are sent by blocking go behind those that wait', async () => {
    const queue = newQueue({ maxMessages: 1 })
    const other = keep(queue.dup())
    queue.sendSync('a')
    const waiting = queue.send('b')
    assert.throws(() => queue.sendSync('c', { timeout: 10 }), { code: 'ETIMEDOUT' })
    assert.deepEqual(brief(other.tryRecv()), ['a', 0])
    assert.throws(() => queue.sendSync('c', { timeout: 10 }), { code: 'ETIMEDOUT' })
    assert.deepEqual(brief(other.tryRecv()), ['b', 0])
    await waiting
    queue.sendSync('c', { timeout: 10 })
    assert.deepEqual(brief(await other.recv()), ['c', 0])
  })

  test('are taken by those that wait in the order of their calls, each once', async () => {
    const queue = newQueue()
    const order = []
    const pending = [1, 2, 3].map((number) => queue.recv().then(({ data }) => order.push([number, String(data)])))
    const other = keep(queue.dup())
    for (const text of ['a', 'b', 'c']) await other.send(text)
    await Promise.all(pending)
    assert.deepEqual(order, [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
  })

  test('a receive that gives up leaves everything where it is', async () => {
    const queue = newQueue()
    const controller = new AbortController()
    const aborted = assert.rejects(
      queue.recv({ signal: controller.signal }),
      (error) => error === controller.signal.reason,
    )
    const timedOut = assert.rejects(queue.recv({ timeout: 10 }), { code: 'ETIMEDOUT' })
    await turn()
    controller.abort()
    await Promise.all([aborted, timedOut])
    queue.sendSync('kept')
    await assert.rejects(queue.recv({ signal: AbortSignal.abort(7) }), (error) => error === 7)
    assert.equal(queue.size, 1)
  })

  test('are iterated over; break withdraws the receive and leaves the queue open', async () => {
    const queue = newQueue()
    const seen = []
    const sending = (async () => {
      for (const text of ['a', 'b', 'c', 'd']) await queue.send(text)
    })()
    for await (const { data } of queue) {
      seen.push(String(data))
      if (seen.length === 3) break
    }
    await sending
    assert.deepEqual(seen, ['a', 'b', 'c'])
    assert.deepEqual(brief(await queue.recv()), ['d', 0])
    await assert.rejects(
      async () => {
        for await (const _message of queue.iterate({ timeout: 10 }));
      },
      { code: 'ETIMEDOUT' },
    )
    const ended = (async () => {
      for await (const _message of queue);
    })()
    await turn()
    queue.close()
    await ended
  })

  test('wait for nobody once the queue is closed', async () => {
    const queue = newQueue({ maxMessages: 1 })
    fill(queue)
    const other = keep(queue.dup())
    const calls = [queue.send('x'), queue.notify()]
    other.tryRecv()
    const receives = [other.recv(), other.recv(), other.notify()]
    assert.equal((await receives[0]) && other.tryRecv(), undefined)
    await calls[0]
    queue.close()
    other.close()
    for (const promise of [calls[1], ...receives.slice(1)]) {
      await assert.rejects(promise, { code: 'ERR_IPC_CLOSED' }).catch((error) => {
        // The first message may have come to the one that was notified.
        if (promise !== calls[1] && promise !== receives[2]) throw error
      })
    }
    for (const call of [
      () => queue.trySend('x'),
      () => queue.sendSync('x'),
      () => queue.tryRecv(),
      () => queue.recvSync(),
      () => queue.size,
      () => queue.unlink(),
      () => queue.dup(),
      () => queue.detach(),
    ]) {
      assert.throws(call, { code: 'ERR_IPC_CLOSED' })
    }
    for (const call of [() => queue.send('x'), () => queue.recv(), () => queue.notify()]) {
      await assert.rejects(call(), { code: 'ERR_IPC_CLOSED' })
    }
  })
})

describe('notify', options, () => {
  test('settles when a message comes to the empty queue, and takes nothing', async () => {
    const queue = newQueue()
    const notified = queue.notify()
    assert.ok(await isPending(notified))
    queue.sendSync('x')
    assert.equal(await notified, undefined)
    assert.equal(queue.size, 1)
  })

  test('waits for the queue to be empty first', async () => {
    const queue = newQueue()
    queue.sendSync('a')
    const notified = queue.notify()
    queue.sendSync('b')
    assert.ok(await isPending(notified))
    while (queue.tryRecv());
    assert.ok(await isPending(notified))
    queue.sendSync('c')
    await notified
  })

  test('is told of a message that a receive of this package was waiting for', async () => {
    const queue = newQueue()
    const received = queue.recv()
    const notified = queue.notify()
    await turn()
    keep(queue.dup()).sendSync('x')
    assert.deepEqual(brief(await received), ['x', 0])
    await notified
  })

  test('asks at once: whoever then finds the queue empty is told of what comes next', async () => {
    const queue = newQueue()
    for (let round = 0; round < 300; round++) {
      const notified = queue.notify()
      assert.equal(queue.tryRecv(), undefined)
      queue.sendSync(String(round))
      await notified
      assert.deepEqual(brief(queue.tryRecv()), [String(round), 0])
    }
  })

  test('tells all who ask, on whichever handle and thread, and nobody twice', async () => {
    const queue = namedQueue()
    const other = keep(queue.dup())
    const worker = new Worker(fixture('posix-queue-worker.js'), { workerData: { name: queue.name, way: 'notify' } })
    const said = []
    worker.on('message', (word) => said.push(word))
    await until(() => said.length === 1, 'the worker asks')
    await turn()
    queue.unlink()
    const notified = [queue.notify(), queue.notify(), other.notify()]
    await until(() => other.size === 0, 'nothing comes by itself')
    queue.sendSync('x')
    await Promise.all(notified)
    await until(() => said.length === 2, 'the worker is told')
    assert.equal(said[1], 'notified 1')
    const again = other.notify()
    queue.sendSync('y')
    assert.ok(await isPending(again))
    other.close()
    await assert.rejects(again, { code: 'ERR_IPC_CLOSED' })
  })

  test('is EBUSY while another process asks, and not afterwards', async () => {
    const queue = newQueue()
    const child = start(fixture('posix-queue-notify.js'), [], { handles: [queue] })
    await child.says('asked')
    await until(
      () =>
        queue.notify({ timeout: 0 }).then(
          () => false,
          (error) => error.code === 'EBUSY',
        ),
      'it has asked',
    )
    const refused = { code: 'EBUSY', errno: -16, syscall: 'mq_notify', hint: /another process/ }
    await assert.rejects(queue.notify(), refused)
    queue.sendSync('x')
    assert.equal(await child.succeeded(), 'asked notified 1')
    const notified = queue.notify()
    assert.match(
      await output(fixture('posix-queue-notify.js'), [], { handles: [queue] }),
      /^asked EBUSY another process/,
    )
    queue.tryRecv()
    queue.sendSync('y')
    await notified
  })

  test('outlives the close of any other handle of the queue, and of the number of one', async () => {
    const queue = newQueue()
    const notified = queue.notify()
    for (let round = 0; round < 100; round++) {
      queue.dup().close()
      closeSync(queue.dup().detach())
      if (round % 3 === 0) await turn()
    }
    assert.ok(await isPending(notified))
    queue.sendSync('x')
    await notified
  })

  test('is told of a message that comes right after such a close', async () => {
    const queue = newQueue()
    for (let round = 0; round < 100; round++) {
      const notified = queue.notify()
      if (round % 2 === 0) {
        queue.dup().close()
        queue.sendSync('x')
        queue.tryRecv()
        await notified
      } else {
        // The close is not ours: until this thread hears of it nobody is registered, but what is in the queue then tells.
        closeSync(queue.dup().detach())
        queue.sendSync('x')
        await notified
        queue.tryRecv()
      }
    }
  })

  test('gives up for good: another process can ask then', async () => {
    const queue = newQueue()
    const controller = new AbortController()
    const aborted = assert.rejects(queue.notify({ signal: controller.signal }), { name: 'AbortError' })
    const timedOut = assert.rejects(queue.notify({ timeout: 20 }), { code: 'ETIMEDOUT' })
    await assert.rejects(queue.notify({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(queue.notify({ signal: AbortSignal.abort(7) }), (error) => error === 7)
    controller.abort()
    await Promise.all([aborted, timedOut])
    const child = start(fixture('posix-queue-notify.js'), [], { handles: [queue] })
    await child.says('asked')
    await until(
      () =>
        queue.notify({ timeout: 0 }).then(
          () => false,
          (error) => error.code === 'EBUSY',
        ),
      'it has asked',
    )
    queue.sendSync('x')
    assert.equal(await child.succeeded(), 'asked notified 1')
  })

  test('counts towards the pendingLimit, and leaves nothing asked for beyond it', async () => {
    const queue = newQueue()
    queue.pendingLimit = 1
    const received = queue.recv()
    await assert.rejects(queue.notify(), { code: 'ERR_IPC_LIMIT' })
    const child = start(fixture('posix-queue-notify.js'), [], { handles: [queue] })
    await child.says('asked')
    queue.sendSync('x')
    await received
    assert.match(await child.succeeded(), /^asked notified/)
  })

  test('leaves no descriptor behind', async () => {
    const queue = newQueue()
    await queue.recv({ timeout: 1 }).catch(() => {})
    const before = descriptors()
    for (let round = 0; round < 200; round++) {
      await queue.notify({ timeout: 0 }).catch(() => {})
      const notified = queue.notify()
      queue.sendSync('x')
      await notified
      queue.tryRecv()
    }
    assert.equal(descriptors(), before)
  })

  test('a loop of notices and drains gets every message, at any speed', async () => {
    const queue = newQueue()
    const total = FULL ? 100_000 : 5000
    const child = start(fixture('posix-queue-send-numbers.js'), [total], { handles: [queue] })
    let next = 0
    while (next < total) {
      const notified = queue.notify({ timeout: 10_000 })
      for (let message = queue.tryRecv(); message !== undefined; message = queue.tryRecv()) {
        assert.equal(String(message.data), String(next++))
      }
      if (next < total) await notified
      else notified.catch(() => {})
    }
    await child.succeeded()
  })
})

describe('between processes', options, () => {
  test('a queue is handed over with its name and stays open here', async () => {
    const queue = namedQueue()
    const child = start(fixture('posix-queue-echo.js'), [], { handles: [queue] })
    queue.unlink()
    assert.equal(queue.closed, false)
    // On one queue a sender would receive its own messages, so they take turns.
    await until(() => queue.size === 1, 'the child has sent its name')
    assert.deepEqual(brief(await queue.recv()), [queue.name, 0])
    queue.sendSync('', { priority: 3 })
    await child.succeeded()
  })

  test('a parcel is rebuilt with the name that it tells, if it does', () => {
    const queue = newQueue()
    const { kind, meta, fds, handedOver } = parcelOf(queue)
    assert.deepEqual([kind, meta, fds], ['posix-queue', { name: queue.name }, [queue.fd]])
    handedOver()
    assert.equal(queue.closed, false)
    for (const [told, name] of [
      [queue.name, queue.name],
      [undefined, null],
      [7, null],
    ]) {
      const same = rebuild({ kind, fds: [queue.dup().detach()], meta: { name: told } })
      assert.ok(same instanceof PosixMessageQueue)
      assert.equal(same.name, name)
      same.close()
    }
  })

  test('a blocking receive wakes for what another process sends', async () => {
    const queue = newQueue()
    const child = start(fixture('posix-queue-send-numbers.js'), [2000], { handles: [queue] })
    for (let number = 0; number < 2000; number++) {
      assert.equal(String(queue.recvSync({ timeout: 10_000 }).data), String(number))
    }
    await child.succeeded()
  })

  test(`${GIVEN_UP} receives that are aborted or time out, at any moment, lose and double nothing`, {
    timeout: 300_000,
  }, async () => {
    const queue = newQueue()
    const child = start(fixture('posix-queue-send-numbers.js'), ['Infinity'], { handles: [queue], stdin: 'pipe' })
    let [next, timedOut, aborted] = [0, 0, 0]
    for (let round = 0; timedOut + aborted < GIVEN_UP; round++) {
      const controller = new AbortController()
      const wait = round % 2 === 0 ? { timeout: (round % 5) / 50 } : { signal: controller.signal }
      const pending = queue.recv(wait)
      if (round % 4 === 1) queueMicrotask(() => controller.abort())
      else if (round % 4 === 3) setImmediate(() => controller.abort())
      try {
        assert.equal(String((await pending).data), String(next))
        next++
      } catch (error) {
        if (code(error) === 'ETIMEDOUT') timedOut++
        else if (error === controller.signal.reason) aborted++
        else throw error
      }
    }
    assert.ok(
      Math.min(timedOut, aborted, next) > GIVEN_UP / 20,
      `${timedOut} timed out, ${aborted} aborted, ${next} came`,
    )
    child.tell('stop')
    const ended = child.succeeded()
    let sent = Number.POSITIVE_INFINITY
    ended.then((text) => {
      sent = Number(text)
    })
    while (next < sent) {
      const message = await queue.recv({ timeout: 50 }).catch(() => undefined)
      if (message !== undefined) assert.equal(String(message.data), String(next++))
    }
    await ended
    assert.deepEqual([next, queue.size], [sent, 0])
  })

  test('who has waited and waits no more is not woken for what others send and receive', async () => {
    const queue = newQueue()
    const child = start(fixture('posix-queue-bystander.js'), [], { handles: [queue], stdin: 'pipe' })
    await child.says('ready')
    for (let round = 0; round < 2000; round++) {
      queue.sendSync('x')
      if (round % 10 === 0) await turn()
      queue.recvSync()
    }
    child.tell('enough')
    const [, woken] = (await child.succeeded()).split(' ')
    assert.ok(Number(woken) < 50, `it has run ${woken} times`)
  })

  test('another user gets what the mode gives him, and EACCES', { ...options, skip: !isRoot }, async () => {
    const secret = namedQueue()
    const [readable, writable] = [namedQueue(), namedQueue()]
    const before = process.umask(0)
    const names = [newName(), newName()]
    try {
      const queues = [0o604, 0o602].map((mode, index) =>
        keep(PosixMessageQueue.open(names[index], { create: true, mode, maxMessages: 1, maxMessageSize: 16 })),
      )
      queues[0].sendSync('for nobody', { priority: 5 })
      const told = JSON.parse(await output(fixture('posix-queue-as-nobody.js'), [...names, secret.name]))
      assert.deepEqual(told, ['EACCES', 'EACCES', 5, 'EACCES', true, 'EPERM'])
      assert.deepEqual(brief(queues[1].tryRecv()), ['from nobody', 0])
    } finally {
      process.umask(before)
      for (const name of [...names, secret.name, readable.name, writable.name]) PosixMessageQueue.unlink(name)
    }
  })
})

describe('limits', options, () => {
  test('each is told by its own code, with a hint that names it', { ...options, ...needs('unshare') }, () => {
    const command = isRoot ? ['-i'] : ['-Ur', '-i']
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [...command, '--', process.execPath, fixture('posix-queue-limits.js')],
      { encoding: 'utf8', timeout: 30_000 },
    )
    assert.equal(status, 0, stderr)
    const told = JSON.parse(stdout)
    assert.deepEqual([told.whole, told.default, told.again], [true, 7, 1])
    for (const [name, expected, hint] of [
      ['bytes', 'EMFILE', /RLIMIT_MSGQUEUE.*ulimit -q/],
      ['queues', 'ENOSPC', /\/proc\/sys\/fs\/mqueue\/queues_max.*sysctl fs.mqueue.queues_max/],
      ['tooMany', 'EINVAL', /\/proc\/sys\/fs\/mqueue\/msg_max.*sysctl/],
      ['tooLong', 'EINVAL', /\/proc\/sys\/fs\/mqueue\/msgsize_max.*sysctl/],
    ]) {
      assert.equal(told[/** @type {string} */ (name)].code, expected)
      assert.match(told[/** @type {string} */ (name)].hint, /** @type {RegExp} */ (hint))
    }
  })

  test('200 receives pending on as many queues cost no thread, no time of others and none while idle', async () => {
    const env = { UV_THREADPOOL_SIZE: '1' }
    const told = JSON.parse(await output(fixture('posix-queue-many.js'), [200], { env }))
    // The other reactor has one thread for all.
    const { right, waiting } = told
    assert.deepEqual({ right, waiting }, { right: true, waiting: process.env.OS_IPC_REACTOR === 'tokio' ? 1 : 0 })
    assert.ok(told.readMs < 50, `${told.readMs} ms for readFile`)
    assert.ok(told.idle < 10_000, `${told.idle} µs of CPU in a second of waiting`)
  })
})

describe('lifetimes', options, () => {
  for (const [way, expected] of /** @type {Array<[string, number]>} */ ([
    ['idle', 0],
    ['unref', 0],
    ['exit', 7],
    ['throw', 1],
  ])) {
    test(`a process ends while its queue is: ${way}`, async () => {
      const queue = newQueue()
      const outcome = await run(fixture('posix-queue-wait-and-exit.js'), [way], { handles: [queue] })
      assert.deepEqual([outcome.code, outcome.signal], [expected, null], outcome.stderr)
      // Nothing was taken by one that has gone, and nobody is registered any more.
      const notified = queue.notify()
      queue.sendSync('x')
      await notified
      assert.equal(queue.size, 1)
    })
  }

  test('queues that a killed process had made for itself can be cleaned up, others not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    const env = { XDG_RUNTIME_DIR: folder }
    const named = newName()
    /** @type {string[]} */
    let names = []
    // What other processes have left, wherever they are entered, is swept too.
    const clean = async () => {
      const told = await output(fixture('registry-clean.js'), [], { env })
      const removed = JSON.parse(told.split('\n')[1]).filter((/** @type {any} */ { name }) => names.includes(name))
      return removed.map((/** @type {any} */ { kind, name, mode }) => ({ kind, name, mode }))
    }
    try {
      const owner = start(fixture('posix-queue-left-behind.js'), [named], { env })
      await owner.says(']')
      names = JSON.parse(owner.stdout)
      assert.deepEqual(await clean(), [])
      await owner.kill()
      assert.deepEqual(
        await clean(),
        names.map((name) => ({ kind: 'posix-queue', name, mode: 0o200 })),
      )
      for (const name of names) assert.throws(() => PosixMessageQueue.open(name), { code: 'ENOENT' })
      assert.deepEqual(await clean(), [])
    } finally {
      rmSync(folder, { recursive: true })
      PosixMessageQueue.unlink(named)
    }
  })

  test('a process with a receive pending stays', async () => {
    const queue = newQueue()
    const child = start(fixture('posix-queue-wait-and-exit.js'), ['wait'], { handles: [queue] })
    await child.says('ready')
    await until(() => stateOf(child.pid) === 'S', 'it waits')
    assert.equal((await child.kill()).signal, 'SIGKILL')
    queue.sendSync('x')
    assert.equal(queue.size, 1)
  })

  for (const way of ['recv', 'recvSync']) {
    test(`a worker that waits in ${way} is ended, takes nothing and leaves nothing`, async () => {
      const queue = namedQueue()
      const before = { fds: descriptors(), threads: threads() }
      for (let round = 0; round < 10; round++) {
        const worker = new Worker(fixture('posix-queue-worker.js'), { workerData: { name: queue.name, way } })
        await new Promise((resolve) => worker.once('message', resolve))
        await turn()
        const began = performance.now()
        await worker.terminate()
        assert.ok(performance.now() - began < 2000)
        const notified = queue.notify()
        queue.sendSync('x')
        await notified
        assert.deepEqual(brief(queue.tryRecv()), ['x', 0])
      }
      queue.unlink()
      await until(() => descriptors() <= before.fds && threads() <= before.threads, 'all is closed')
    })
  }

  test('a worker receives what the main thread sends', async () => {
    const queue = namedQueue()
    const workerData = { name: queue.name, way: 'one message' }
    const worker = new Worker(fixture('posix-queue-worker.js'), { workerData })
    const said = []
    worker.on('message', (word) => said.push(word))
    await queue.send('to the worker')
    await until(() => said.length === 2, 'it has answered')
    queue.unlink()
    assert.deepEqual(said, ['ready', 'to the worker'])
    await worker.terminate()
  })
})
