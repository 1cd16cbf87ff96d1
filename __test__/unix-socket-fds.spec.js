/** Descriptors beside messages: whose they are, whatever becomes of the message. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PipeReader, PosixMessageQueue, pipe, SharedMemory, SysvMessageQueue, UnixSocket } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { descriptors, flags, link, until } from './support/state.js'

const limit = { timeout: 30_000 }
const O_CLOEXEC = 0o2000000
const TYPES = /** @type {const} */ (['stream', 'datagram', 'seqpacket'])

const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
const file = join(folder, 'file')
writeFileSync(file, 'contents')
/** @type {UnixSocket[]} */
const made = []
after(() => {
  for (const socket of made) socket.close()
  rmSync(folder, { recursive: true })
})

/** @template {'stream' | 'datagram' | 'seqpacket'} T @param {T} type */
function pair(type) {
  const ends = UnixSocket.pair(type)
  made.push(...ends)
  return ends
}

/** @param {UnixSocket} socket */
async function take(socket) {
  const message = await socket.recv()
  assert.ok(message)
  return message
}

setFlagsFromString('--expose-gc')
/** @type {() => void} */
const collect = runInNewContext('gc')

describe('descriptors', limit, () => {
  test('arrive with their message, close-on-exec, and are the same thing', async () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      const fd = openSync(file)
      await one.send('a', { fds: [fd, fd] })
      await one.send('b')
      const message = await take(other)
      assert.deepEqual([String(message.data), message.fdCount], ['a', 2])
      const { fds } = message
      assert.equal(message.fds, fds)
      for (const got of fds) {
        assert.equal(link('self', got), file)
        assert.equal(flags('self', got) & O_CLOEXEC, O_CLOEXEC)
        closeSync(got)
      }
      const next = await take(other)
      assert.deepEqual([String(next.data), next.fdCount, next.fds], ['b', 0, []])
      closeSync(fd)
    }
  })

  test('of every kind pass between processes and back', async () => {
    const [one, other] = pair('seqpacket')
    const child = start(fixture('unix-socket-echo.js'), [], { handles: [other] })
    other.close()
    const memory = SharedMemory.create(4096)
    const { reader, writer } = pipe()
    const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 1, maxMessageSize: 16 })
    queue.unlink()
    const plain = openSync('/proc/self')
    const handles = [memory, reader, writer, queue, one, plain]
    await one.send('all', { fds: handles })
    const { fds } = await take(one)
    const [forMemory, forReader, forWriter, forQueue, forSocket, forFolder] = fds
    memory.write('shared')
    assert.equal(readFileSync(`/proc/self/fd/${forMemory}`).subarray(0, 6).toString(), 'shared')
    writeSync(forWriter, 'through the pipe')
    const again = PipeReader.fromFd(forReader)
    assert.equal(String(await again.recv()), 'through the pipe')
    queue.sendSync('queued')
    const sameQueue = PosixMessageQueue.fromFd(forQueue)
    assert.equal(String(sameQueue.recvSync().data), 'queued')
    assert.equal(link('self', forSocket), link('self', one.fd))
    assert.ok(fstatSync(forFolder).isDirectory())
    for (const fd of [forMemory, forWriter, forSocket, forFolder, plain]) closeSync(fd)
    for (const handle of [memory, reader, writer, queue, sameQueue]) {
      assert.ok(!handle.closed, 'a handle that is sent stays')
      handle.close()
    }
    again.close()
    await one.send('')
    await child.succeeded()
  })

  test('may be 253, and no more', async () => {
    const [one, other] = pair('seqpacket')
    const fd = openSync(file)
    await one.send('', { fds: new Array(253).fill(fd) })
    const message = await take(other)
    assert.deepEqual([message.fdCount, message.fds.length, message.data.length], [253, 253, 0])
    for (const got of message.fds) closeSync(got)
    await assert.rejects(one.send('', { fds: new Array(254).fill(fd) }), { code: 'ERR_OUT_OF_RANGE' })
    closeSync(fd)
  })

  test('that cannot be sent are refused, and nothing is sent', async () => {
    const [one, other] = pair('stream')
    const closed = pipe()
    closed.reader.close()
    const numberless = SysvMessageQueue.open('private')
    try {
      for (const [fds, code] of /** @type {const} */ ([
        [7, 'ERR_INVALID_ARG_TYPE'],
        [['1'], 'ERR_INVALID_ARG_TYPE'],
        [[-1], 'ERR_OUT_OF_RANGE'],
        [[1.5], 'ERR_OUT_OF_RANGE'],
        [[99_999], 'EBADF'],
        [[closed.reader], 'ERR_IPC_CLOSED'],
        [[numberless], 'ERR_INVALID_ARG_VALUE'],
      ])) {
        const options = /** @type {any} */ ({ fds })
        await assert.rejects(one.send('x', options), { code })
        assert.throws(() => one.trySend('x', options), { code })
        assert.throws(() => one.sendSync('x', options), { code })
        await assert.rejects(one.sendMany([{ data: 'x', ...options }]), { code })
      }
      // A stream has no place for them but beside a byte.
      await assert.rejects(one.send('', { fds: [0] }), { code: 'ERR_INVALID_ARG_VALUE' })
      assert.equal(other.tryRecv(), undefined)
    } finally {
      numberless.remove()
      closed.writer.close()
    }
  })

  test('of a send that waits are copied when it is called', async () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      while (one.trySend(Buffer.alloc(1000, 'f')));
      const before = descriptors()
      const fd = openSync(file)
      const sends = [one.send('beside', { fds: [fd] }), one.sendMany(['x', { data: 'y', fds: [fd] }])]
      closeSync(fd)
      /** @type {number[]} */
      const got = []
      let text = ''
      while (!text.endsWith('y')) {
        const message = await take(other)
        text += String(message.data).replaceAll('f', '')
        got.push(...message.fds)
      }
      await Promise.all(sends)
      assert.deepEqual([text, got.map((number) => link('self', number))], ['besidexy', [file, file]])
      for (const number of got) closeSync(number)
      assert.equal(descriptors(), before)
    }
  })

  test('of a send that is given up, or whose handle is closed, are closed', async () => {
    const [one] = pair('seqpacket')
    while (one.trySend('f'));
    const before = descriptors()
    const fd = openSync(file)
    await assert.rejects(one.send('x', { fds: [fd], timeout: 10 }), { code: 'ETIMEDOUT' })
    await assert.rejects(one.sendMany([{ data: 'x', fds: [fd, fd] }], { timeout: 10 }), { code: 'ETIMEDOUT' })
    const waiting = one.send('x', { fds: [fd] })
    closeSync(fd)
    assert.equal(descriptors(), before + 1)
    one.close()
    await assert.rejects(waiting, { code: 'ERR_IPC_CLOSED' })
    assert.equal(descriptors(), before - 1)
  })

  test('through a stream end what one receive takes', async () => {
    const [one, other] = pair('stream')
    const fd = openSync(file)
    await one.send('first', { fds: [fd] })
    await one.send('second')
    await one.sendMany(['third', { data: 'fourth', fds: [fd] }, 'fifth'])
    const parts = []
    while (parts.map(([text]) => text).join('').length < 'firstsecondthirdfourthfifth'.length) {
      const { data, fds } = await take(other)
      parts.push([String(data), fds.length])
      for (const number of fds) closeSync(number)
    }
    assert.deepEqual(parts[0], ['first', 1])
    assert.deepEqual(parts.at(-1), ['fifth', 0])
    assert.match(String(parts.at(-2)?.[0]), /fourth$/)
    assert.equal(parts.at(-2)?.[1], 1)
    closeSync(fd)
  })

  test('of large streams come with the first piece, once', async () => {
    const [one, other] = pair('stream')
    const fd = openSync(file)
    const sent = one.send(Buffer.alloc(1 << 20), { fds: [fd] })
    let bytes = 0
    let count = 0
    while (bytes < 1 << 20) {
      const { data, fds } = await take(other)
      if (fds.length > 0) assert.equal(bytes, 0)
      bytes += data.length
      count += fds.length
      for (const number of fds) closeSync(number)
    }
    await sent
    assert.equal(count, 1)
    closeSync(fd)
  })
})

describe('descriptors that nobody takes', limit, () => {
  test('are closed by dispose, and those that were taken are not', async () => {
    const [one, other] = pair('seqpacket')
    const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose')
    await one.send('x', { fds: [0, 0] })
    await one.send('y', { fds: [0] })
    const before = descriptors()
    const message = /** @type {any} */ (await take(other))
    assert.equal(descriptors(), before + 2)
    message[dispose]()
    message[dispose]()
    assert.deepEqual([descriptors(), message.fds, message.fdCount], [before, [], 2])
    const taken = /** @type {any} */ (await take(other))
    const [fd] = taken.fds
    taken[dispose]()
    assert.deepEqual([descriptors(), taken.fds], [before + 1, [fd]])
    closeSync(fd)
  })

  test('are closed when their message is collected', async () => {
    const [one, other] = pair('seqpacket')
    const before = descriptors()
    for (let index = 0; index < 20; index++) {
      await one.send('x', { fds: [0, 0] })
      await take(other)
    }
    await until(() => {
      collect()
      return descriptors() === before
    }, 'all are closed')
  })

  test('do not gather, however many come', limit, async () => {
    const [one, other] = pair('seqpacket')
    const child = start(fixture('unix-socket-ignore-fds.js'), [3000], { handles: [other] })
    other.close()
    const fd = openSync(file)
    for (let index = 0; index < 3000; index++) await one.send('x', { fds: new Array(100).fill(fd) })
    closeSync(fd)
    one.close()
    const most = Number(await child.succeeded())
    assert.ok(most < 20_000, `${most} descriptors open`)
  })

  test('are the kernel’s to close when the receiver is killed', async () => {
    const [one, other] = pair('seqpacket')
    const child = start(fixture('unix-socket-wait-for-kill.js'), [], { handles: [other] })
    other.close()
    await child.says('ready')
    const { reader, writer } = pipe()
    for (let index = 0; index < 10; index++) await one.send('x', { fds: [writer] })
    writer.close()
    assert.equal(reader.tryRecv(), undefined)
    await child.kill()
    assert.equal(await reader.recv(), null)
    await assert.rejects(one.send('x'), { code: /EPIPE|ECONNRESET/ })
    reader.close()
  })

  test('and belong to a worker that ends are closed with it', async () => {
    assert.equal(await output(fixture('unix-socket-worker-fds.js')), '0')
  })
})

describe('at the limit of open descriptors', limit, () => {
  test('a message loses its descriptors, says so, and its bytes are there', async () => {
    const outcome = await run(fixture('unix-socket-fds-lost.js'))
    assert.deepEqual([outcome.code, outcome.stderr], [0, ''])
    assert.deepEqual(JSON.parse(outcome.stdout), {
      code: 'ERR_IPC_FDS_LOST',
      data: 'bytes',
      hint: true,
      before: ['first'],
      after: 'whole',
      leaked: 0,
    })
  })

  test('too many descriptors on their way are ETOOMANYREFS, with a hint', { skip: process.geteuid?.() !== 0 }, () => {
    const script = fixture('unix-socket-too-many-refs.js')
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, script]
    const { status, stdout, stderr } = spawnSync('setpriv', words, { encoding: 'utf8', timeout: 20_000 })
    if (status !== 0 && /EACCES|not found|MODULE_NOT_FOUND|permission/i.test(stderr)) return
    assert.deepEqual([status, stdout], [0, 'ETOOMANYREFS true'], stderr)
  })
})
