/** Moving bytes inside the kernel: pipe to pipe, file and socket, and back. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { pipe, UnixSocket } from '../index.js'
import { fixture, output, start } from './support/child.js'
import { descriptors, turn, until } from './support/state.js'

const PAGE = 4096
const limit = { timeout: 20_000 }

/** @type {string} */
let folder
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
after(() => {
  for (const handle of made) handle.close()
  rmSync(folder, { recursive: true })
})

/** @type {import('../index.js').Handle[]} */
const made = []

/** @param {Parameters<typeof pipe>[0]} [options] */
function open(options) {
  const ends = pipe(options)
  made.push(ends.reader, ends.writer)
  return ends
}

/** @param {AsyncIterable<Buffer>} reader */
async function all(reader) {
  const pieces = []
  for await (const data of reader) pieces.push(data)
  return Buffer.concat(pieces)
}

/** @param {import('../index.js').PipeReader} reader */
function drain(reader) {
  let bytes = 0
  for (let data = reader.tryRecv(); data; data = reader.tryRecv()) bytes += data.length
  return bytes
}

/** @param {Buffer} bytes */
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Both ends of a connection over TCP, whose descriptors Node owns. */
async function sockets() {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const client = connect(port, '127.0.0.1')
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')])
  server.close()
  /** @param {any} socket */
  const fd = (socket) => /** @type {number} */ (socket._handle.fd)
  return { near: accepted, far: client, fd: fd(accepted) }
}

const data = Buffer.alloc(3_000_001, 'moved in the kernel; ')

describe('from pipe to pipe', () => {
  test('moves everything to the end, and says how much', limit, async () => {
    const [from, to] = [open(), open()]
    const sent = from.writer.send(data).then(() => from.writer.close())
    const got = all(to.reader)
    assert.equal(await from.reader.spliceTo(to.writer), data.length)
    await sent
    to.writer.close()
    assert.equal(digest(await got), digest(data))
  })

  test('spliceFrom is the same from the other side', limit, async () => {
    const [from, to] = [open(), open()]
    const sent = from.writer.send(data).then(() => from.writer.close())
    const got = all(to.reader)
    assert.equal(await to.writer.spliceFrom(from.reader), data.length)
    await sent
    to.writer.close()
    assert.equal(digest(await got), digest(data))
  })

  test('moves as many bytes as are asked for, and leaves the rest', limit, async () => {
    const [from, to] = [open(), open()]
    from.writer.trySend('0123456789')
    assert.equal(await from.reader.spliceTo(to.writer, { bytes: 4 }), 4)
    assert.equal(await to.writer.spliceFrom(from.reader, { bytes: 3 }), 3)
    assert.equal(String(to.reader.tryRecv()), '0123456')
    assert.equal(String(from.reader.tryRecv()), '789')
    assert.equal(await from.reader.spliceTo(to.writer, { bytes: 0 }), 0)
  })

  test('waits for the bytes that are missing', limit, async () => {
    const [from, to] = [open(), open()]
    const moving = from.reader.spliceTo(to.writer, { bytes: 6 })
    await from.writer.send('abc')
    assert.equal(String(await to.reader.recv()), 'abc')
    await from.writer.send('def')
    assert.equal(await moving, 6)
  })

  test('fewer bytes than asked for, if the source ends', limit, async () => {
    const [from, to] = [open(), open()]
    from.writer.trySend('abc')
    from.writer.close()
    assert.equal(await from.reader.spliceTo(to.writer, { bytes: 10 }), 3)
    assert.equal(await from.reader.recv(), null)
    assert.equal(await from.reader.spliceTo(to.writer), 0)
  })

  test('between other processes, while this one only waits', limit, async () => {
    const [from, to] = [open(), open()]
    const child = start(fixture('send-bytes.js'), [data.length], { handles: [from.writer] })
    const reader = start(fixture('count-stdin.js'), [], { stdin: to.reader.fd })
    to.reader.close()
    assert.equal(await from.reader.spliceTo(to.writer), data.length)
    to.writer.close()
    await child.succeeded()
    assert.equal(await reader.succeeded(), String(data.length))
  })

  test('into the pipe that it comes from is EINVAL', limit, async () => {
    const { reader, writer } = open()
    writer.trySend('x')
    await assert.rejects(reader.spliceTo(writer), { code: 'EINVAL', syscall: 'splice' })
    assert.equal(String(reader.tryRecv()), 'x')
  })

  test('without a reader at the other side is EPIPE', limit, async () => {
    const [from, to] = [open(), open()]
    from.writer.trySend('x')
    to.reader.close()
    await assert.rejects(from.reader.spliceTo(to.writer), { code: 'EPIPE', bytesSent: 0 })
  })
})

describe('files', () => {
  test('from a file: to its end, from where it stands', limit, async () => {
    const path = join(folder, 'source')
    writeFileSync(path, data)
    const fd = openSync(path, 'r')
    const { reader, writer } = open()
    const got = all(reader)
    assert.equal(await writer.spliceFrom(fd, { bytes: 1_000_000 }), 1_000_000)
    assert.equal(await writer.spliceFrom(fd), data.length - 1_000_000)
    writer.close()
    assert.equal(digest(await got), digest(data))
    closeSync(fd)
  })

  test('to a file', limit, async () => {
    const path = join(folder, 'target')
    const fd = openSync(path, 'w')
    const { reader, writer } = open()
    const sent = writer.send(data).then(() => writer.close())
    assert.equal(await reader.spliceTo(fd), data.length)
    await sent
    closeSync(fd)
    assert.equal(digest(readFileSync(path)), digest(data))
  })

  test('the caller’s descriptor may be closed meanwhile: the splice goes on with its own', limit, async () => {
    const path = join(folder, 'closed')
    const fd = openSync(path, 'w')
    const { reader, writer } = open()
    const moving = reader.spliceTo(fd)
    await turn()
    closeSync(fd)
    await writer.send('all of it')
    writer.close()
    assert.equal(await moving, 9)
    assert.equal(readFileSync(path, 'utf8'), 'all of it')
  })

  test('a number that is not open is EBADF, one that cannot be spliced EINVAL', limit, async () => {
    const { reader, writer } = open()
    writer.trySend('x')
    const fd = openSync(folder, 'r')
    closeSync(fd)
    await assert.rejects(reader.spliceTo(fd), { code: 'EBADF' })
    await assert.rejects(writer.spliceFrom(fd), { code: 'EBADF' })
    const directory = openSync(folder, 'r')
    await assert.rejects(writer.spliceFrom(directory), (/** @type {any} */ { code }) =>
      ['EINVAL', 'EISDIR'].includes(code),
    )
    await assert.rejects(reader.spliceTo(directory), { code: 'EBADF' })
    closeSync(directory)
    assert.equal(String(reader.tryRecv()), 'x')
  })
})

describe('sockets', () => {
  test('to a socket of Node’s', limit, async () => {
    const { near, far, fd } = await sockets()
    const { reader, writer } = open()
    const sent = writer.send(data).then(() => writer.close())
    const got = buffer(far)
    assert.equal(await reader.spliceTo(fd), data.length)
    near.end()
    await sent
    assert.equal(digest(await got), digest(data))
  })

  test('from a socket of Node’s', limit, async () => {
    const { near, far, fd } = await sockets()
    const { reader, writer } = open()
    const got = all(reader)
    const moving = writer.spliceFrom(fd)
    far.end(data)
    assert.equal(await moving, data.length)
    writer.close()
    assert.equal(digest(await got), digest(data))
    near.destroy()
    far.destroy()
  })

  test('of the type stream, there and back', limit, async () => {
    const [near, far] = UnixSocket.pair()
    const [from, to] = [open(), open()]
    made.push(near, far)
    const sent = from.writer.send(data).then(() => from.writer.close())
    const got = all(to.reader)
    const coming = to.writer.spliceFrom(far)
    assert.equal(await from.reader.spliceTo(near), data.length)
    near.shutdown('write')
    await sent
    assert.equal(await coming, data.length)
    to.writer.close()
    assert.equal(digest(await got), digest(data))
  })

  test('of messages are refused', limit, async () => {
    const { reader, writer } = open()
    for (const socket of UnixSocket.pair('seqpacket')) {
      made.push(socket)
      await assert.rejects(reader.spliceTo(/** @type {any} */ (socket)), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(writer.spliceFrom(/** @type {any} */ (socket)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  test('sends wait behind a splice into their socket', limit, async () => {
    const [near, far] = UnixSocket.pair()
    made.push(near, far)
    const { reader, writer } = open()
    const moving = reader.spliceTo(near, { bytes: 3 })
    await turn()
    const sending = near.send('after')
    await writer.send('one')
    assert.equal(await moving, 3)
    await sending
    assert.equal(String((await far.recv())?.data), 'oneafter')
  })

  test('whose other side has gone are EPIPE, and the bytes stay in the pipe', limit, async () => {
    const [near, far] = UnixSocket.pair()
    made.push(near)
    far.close()
    const { reader, writer } = open()
    writer.trySend('kept')
    await assert.rejects(reader.spliceTo(near), { code: 'EPIPE', bytesSent: 0 })
    assert.equal(String(reader.tryRecv()), 'kept')
  })

  for (const form of ['handle', 'number']) {
    test(`that nobody reads do not hold up who writes to the pipe: a ${form}`, limit, async () => {
      assert.equal(await output(fixture('splice-to-full-socket.js'), [form]), 'ETIMEDOUT, all there')
    })

    test(`that send nothing do not hold up who reads the pipe: a ${form}`, limit, async () => {
      assert.equal(await output(fixture('splice-from-empty-socket.js'), [form]), 'ETIMEDOUT, read')
    })
  }

  test('one that sends nothing is waited for, and given up', limit, async () => {
    const { near, far, fd } = await sockets()
    const { writer } = open()
    await assert.rejects(writer.spliceFrom(fd, { timeout: 20 }), { code: 'ETIMEDOUT', bytesSent: 0 })
    near.destroy()
    far.destroy()
  })
})

describe('given up', () => {
  test('tells exactly how much has been moved; nothing is lost', limit, async () => {
    for (const way of ['timeout', 'abort', 'close source', 'close target']) {
      const [from, to] = [open(), open({ capacity: PAGE })]
      const copies = [from.reader.dup(), to.writer.dup()]
      made.push(...copies)
      from.writer.trySend(Buffer.alloc(5 * PAGE))
      const controller = new AbortController()
      const reason = Object.assign(new Error('mine'), { code: 'MINE' })
      const moving = from.reader.spliceTo(to.writer, {
        timeout: way === 'timeout' ? 20 : undefined,
        signal: controller.signal,
      })
      const outcome = moving.catch((error) => error)
      await until(() => to.reader.pending === PAGE, 'the target is full')
      if (way === 'abort') controller.abort(reason)
      if (way === 'close source') from.reader.close()
      if (way === 'close target') to.writer.close()
      const error = await outcome
      const code = way === 'timeout' ? 'ETIMEDOUT' : way === 'abort' ? 'MINE' : 'ERR_IPC_CLOSED'
      assert.deepEqual([error.code, error.bytesSent], [code, PAGE], way)
      if (way === 'abort') assert.equal(error, reason)
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
      assert.equal(drain(to.reader) + from.writer.pending, 5 * PAGE)
    }
  })

  test('at any moment: what has been moved and what has not make up the whole', limit, async () => {
    for (let i = 0; i < 40; i++) {
      const [from, to] = [open(), open()]
      from.writer.trySend(Buffer.alloc(8 * PAGE))
      const controller = new AbortController()
      const moving = from.reader.spliceTo(to.writer, { signal: controller.signal }).then(
        (bytes) => bytes,
        (error) => error.bytesSent ?? 0,
      )
      const end = performance.now() + Math.random() * 0.3
      while (performance.now() < end);
      if (i % 2) await turn()
      controller.abort()
      const moved = await moving
      assert.equal(to.reader.pending, moved)
      assert.equal(from.reader.pending, 8 * PAGE - moved)
      for (const handle of [from.reader, from.writer, to.reader, to.writer]) handle.close()
    }
  })

  test('already aborted moves nothing', limit, async () => {
    const [from, to] = [open(), open()]
    from.writer.trySend('kept')
    const reason = new Error('mine')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(from.reader.spliceTo(to.writer, { signal }), (error) => error === reason)
    await assert.rejects(to.writer.spliceFrom(from.reader, { signal }), (error) => error === reason)
    assert.equal(from.reader.pending, 4)
  })

  test('leaves no descriptor behind', limit, async () => {
    const [from, to] = [open(), open()]
    await assert.rejects(from.reader.spliceTo(to.writer, { timeout: 1 }), { code: 'ETIMEDOUT' })
    const before = descriptors()
    for (let i = 0; i < 20; i++) {
      await assert.rejects(from.reader.spliceTo(to.writer, { timeout: 1 }), { code: 'ETIMEDOUT' })
    }
    assert.equal(descriptors(), before)
    from.writer.trySend('after all')
    assert.equal(await from.reader.spliceTo(to.writer, { bytes: 9 }), 9)
    assert.equal(String(to.reader.tryRecv()), 'after all')
  })
})

describe('among other operations', () => {
  test('sends wait behind a splice into their pipe, and go on after it', limit, async () => {
    const [from, to] = [open(), open()]
    const moving = from.reader.spliceTo(to.writer, { bytes: 3 })
    await turn()
    const sending = to.writer.send('after')
    assert.equal(to.writer.trySend('x'), 0)
    assert.throws(() => to.writer.sendSync('x', { timeout: 5 }), { code: 'ERR_INVALID_STATE' })
    await assert.rejects(to.writer.send('late', { timeout: 5 }), { code: 'ETIMEDOUT', bytesSent: 0 })
    await from.writer.send('one')
    assert.equal(await moving, 3)
    await sending
    assert.equal(String(await to.reader.recv()), 'oneafter')
  })

  test('a splice waits behind sends that were there before', limit, async () => {
    const [from, to] = [open(), open({ capacity: PAGE })]
    const sending = to.writer.send(Buffer.alloc(2 * PAGE, 's'))
    from.writer.trySend('spliced')
    const moving = from.reader.spliceTo(to.writer, { bytes: 7 })
    const got = []
    while (Buffer.concat(got).length < 2 * PAGE + 7) got.push(/** @type {Buffer} */ (await to.reader.recv()))
    await sending
    assert.equal(await moving, 7)
    assert.equal(Buffer.concat(got).subarray(-7).toString(), 'spliced')
  })

  test('receives wait behind a splice out of their pipe', limit, async () => {
    const [from, to] = [open(), open()]
    const moving = from.reader.spliceTo(to.writer, { bytes: 2 })
    const receiving = from.reader.recv()
    await from.writer.send('ab')
    assert.equal(await moving, 2)
    await from.writer.send('mine')
    assert.equal(String(await receiving), 'mine')
    assert.equal(String(to.reader.tryRecv()), 'ab')
  })

  test('two splices out of one pipe take turns', limit, async () => {
    const [from, to] = [open(), open()]
    const moving = [from.reader.spliceTo(to.writer, { bytes: 3 }), to.writer.spliceFrom(from.reader, { bytes: 4 })]
    await from.writer.send('onetwo!')
    assert.deepEqual(await Promise.all(moving), [3, 4])
    assert.equal(String(to.reader.tryRecv()), 'onetwo!')
  })

  test('two in opposite directions do not wait for each other', limit, async () => {
    const [one, two] = [open(), open()]
    const there = one.reader.spliceTo(two.writer, { bytes: 1 })
    const back = two.reader.spliceTo(one.writer, { bytes: 1 })
    const copy = one.writer.dup()
    made.push(copy)
    await copy.send('x')
    assert.deepEqual(await Promise.all([there, back]), [1, 1])
    assert.equal(String(one.reader.tryRecv()), 'x')
  })

  test('the event loop goes on', limit, async () => {
    const [from, to] = [open(), open()]
    const moving = from.reader.spliceTo(to.writer, { bytes: 1 })
    for (let i = 0; i < 5; i++) await turn()
    await from.writer.send('x')
    assert.equal(await moving, 1)
  })
})

describe('arguments', () => {
  test('that are no such end are refused, and the handles stay free', limit, async () => {
    const [from, to] = [open(), open()]
    const type = {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: /must be a Pipe\w+, a UnixSocket of the type 'stream' or a descriptor/,
    }
    for (const bad of [from.reader, null, undefined, {}, '1', 1n]) {
      await assert.rejects(from.reader.spliceTo(/** @type {any} */ (bad)), type)
    }
    for (const bad of [to.writer, null, undefined, {}, '1', 1n]) {
      await assert.rejects(to.writer.spliceFrom(/** @type {any} */ (bad)), type)
    }
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 31]) {
      await assert.rejects(from.reader.spliceTo(bad), { code: 'ERR_OUT_OF_RANGE' })
    }
    for (const bytes of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(from.reader.spliceTo(to.writer, { bytes }), { code: 'ERR_OUT_OF_RANGE' })
    }
    from.writer.trySend('x')
    assert.equal(await from.reader.spliceTo(to.writer, { bytes: 1 }), 1)
  })
})
