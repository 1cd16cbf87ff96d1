/** Connections as Node streams: with descriptors beside the bytes, and to and from net.Socket. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect as netConnect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex, pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { createGunzip, createGzip } from 'node:zlib'
import { pipe, UnixListener, UnixSocket } from '../index.js'
import { descriptors, link, turn, until } from './support/state.js'

const limit = { timeout: 20_000 }
let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
after(() => rmSync(folder, { recursive: true }))

/** Two streams that are connected. */
function streams() {
  const [one, other] = UnixSocket.pair()
  return [one.duplex(), other.duplex()]
}

/** @param {string} content @returns {number} a descriptor of a file that holds it */
function file(content) {
  const path = join(folder, `file-${Math.random()}`)
  writeFileSync(path, content)
  return openSync(path, 'r')
}

/** @param {number} fd what its file holds; it is closed */
function contentOf(fd) {
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

describe('a socket as a stream', limit, () => {
  test('moves bytes both ways, ends as the other side does, and closes the socket', async () => {
    const [handle, near] = UnixSocket.pair()
    const [one, other] = [handle.duplex(), near.duplex()]
    assert.ok(one instanceof Duplex)
    await assert.rejects(handle.recv(), { code: 'ERR_INVALID_STATE' })
    assert.throws(() => handle.duplex(), { code: 'ERR_INVALID_STATE' })
    one.write('there ')
    one.end('and ')
    assert.equal(await text(other), 'there and ')
    // It ends as well, without a word of its own: that is told though nobody reads.
    await Promise.all([one, other].map((stream) => stream.closed || once(stream, 'close')))
    assert.deepEqual([handle.closed, near.closed], [true, true])
    assert.deepEqual([one.bytesWritten, other.bytesRead], [10, 10])
  })

  test('waits for a slow reader, and moves what is larger than any buffer through pipelines', async () => {
    const [one, other] = streams()
    const data = Buffer.alloc(8 << 20, 'some text that can be made shorter. ')
    assert.equal(one.write(data), false)
    one.end()
    /** @type {Buffer[]} */
    const chunks = []
    for await (const chunk of other) chunks.push(chunk)
    assert.ok(Buffer.concat(chunks).equals(data))

    const [from, to] = streams()
    const sent = promisify(pipeline)(
      async function* () {
        yield data
      },
      createGzip(),
      from,
    )
    const unzipped = createGunzip()
    to.pipe(unzipped)
    assert.equal((await text(unzipped)).length, data.length)
    await sent
  })

  test('closed elsewhere is destroyed; destroyed it closes, and the other side hears of the end', async () => {
    const [handle, near] = UnixSocket.pair()
    const stream = handle.duplex()
    const closed = once(stream, 'close')
    handle.close()
    await closed
    assert.equal(stream.destroyed, true)
    assert.equal(await near.recv(), null)
    near.close()
    const [one, other] = streams()
    one.destroy()
    assert.equal(await text(other), '')
  })

  test('tells of an error: whoever was to receive has gone without', async () => {
    const [one, near] = UnixSocket.pair()
    const stream = one.duplex()
    const failed = once(stream, 'error')
    const closed = new Promise((resolve) => stream.once('close', resolve))
    stream.write('unread')
    await turn()
    near.close()
    const [error] = await failed
    assert.equal(error.code, 'ECONNRESET')
    await closed
    assert.equal(one.closed, true)
  })

  test('is of the type stream alone, and of a handle that nobody uses', async () => {
    const [one, other] = UnixSocket.pair('seqpacket')
    assert.throws(() => one.duplex(), { code: 'ERR_IPC_NOT_SUPPORTED' })
    assert.throws(() => one.toSocket(), { code: 'ERR_IPC_NOT_SUPPORTED' })
    one.close()
    other.close()
    const [used, near] = UnixSocket.pair()
    const waits = used.recv()
    assert.throws(() => used.duplex(), { code: 'ERR_INVALID_STATE' })
    assert.throws(() => used.toSocket(), { code: 'ERR_INVALID_STATE' })
    near.close()
    assert.equal(await waits, null)
    used.close()
    assert.throws(() => used.duplex(), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => used.toSocket(), { code: 'ERR_IPC_CLOSED' })
  })
})

describe('descriptors beside the bytes', limit, () => {
  test('come in their order, told of before their bytes, and are copies made at once', async () => {
    const [one, other] = streams()
    /** @type {string[]} */
    const heard = []
    other.on('fds', (fds) => heard.push(...fds.map((/** @type {number} */ fd) => `fd ${contentOf(fd)}`)))
    other.on('data', (data) => heard.push(String(data)))
    const fds = ['a', 'b', 'c', 'd'].map(file)
    one.cork()
    one.write('0')
    one.write('1')
    assert.equal(one.writeWithFds(Buffer.from('2'), [fds[0]]), true)
    one.writeWithFds(new Uint8Array([51]), [fds[1], fds[2]])
    one.write('4')
    one.writeWithFds(Buffer.from('5'), [fds[3]])
    one.writeWithFds(Buffer.from('6'), [])
    one.end('7')
    for (const fd of fds) closeSync(fd)
    one.uncork()
    await once(other, 'end')
    assert.deepEqual(
      heard.filter((word) => word.startsWith('fd')),
      ['fd a', 'fd b', 'fd c', 'fd d'],
    )
    assert.equal(heard.filter((word) => !word.startsWith('fd')).join(''), '01234567')
    // Each before the end of its bytes.
    assert.ok(heard.indexOf('fd a') < heard.findIndex((word) => word.includes('2')))
    assert.ok(heard.indexOf('fd d') < heard.findIndex((word) => word.includes('5')))
  })

  test('of handles are copies, and the handles stay', async () => {
    const [one, other] = streams()
    const { reader, writer } = pipe()
    const told = once(other, 'fds')
    one.writeWithFds(Buffer.from('x'), [reader])
    const [[fd]] = await told
    assert.equal(link('self', fd), link('self', reader.fd))
    assert.equal(reader.closed, false)
    closeSync(fd)
    reader.close()
    writer.close()
    one.destroy()
    other.destroy()
  })

  test('that nobody listens for, or that were never sent, are closed', async () => {
    const open = descriptors()
    const [one, other] = streams()
    const fd = file('x')
    for (let i = 0; i < 50; i++) one.writeWithFds(Buffer.from('x'), [fd])
    let length = 0
    for await (const data of other) {
      length += data.length
      if (length === 50) break
    }
    assert.equal(length, 50)
    // The other side takes nothing: these wait in the stream when it is destroyed.
    const [stuck, slow] = UnixSocket.pair()
    const stream = stuck.duplex()
    stream.on('error', () => {})
    stream.write(Buffer.alloc(1 << 20))
    for (let i = 0; i < 50; i++) stream.writeWithFds(Buffer.from('x'), [fd])
    assert.ok(descriptors() > open + 50)
    stream.destroy()
    one.destroy()
    slow.close()
    closeSync(fd)
    await until(() => descriptors() <= open, 'all are closed')
  })

  test('are refused before anything is sent where they cannot be', async () => {
    const [one, other] = streams()
    const bad = /** @type {any} */ (one)
    assert.throws(() => bad.writeWithFds('text', []), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), 3), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), ['3']), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), [-1]), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), [999_999]), { code: 'EBADF' })
    assert.throws(() => bad.writeWithFds(Buffer.alloc(0), [0]), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), Array(254).fill(0)), { code: 'ERR_OUT_OF_RANGE' })
    one.destroy()
    assert.throws(() => bad.writeWithFds(Buffer.from('x'), [0]), { code: 'ERR_IPC_CLOSED' })
    assert.equal(await text(other), '')
  })
})

describe('a net.Socket', limit, () => {
  test('is made of a socket, whose descriptor it has from then on', async () => {
    const [handle, near] = UnixSocket.pair()
    const { fd } = handle
    const inode = fstatSync(fd).ino
    const socket = handle.toSocket()
    assert.ok(socket instanceof Socket)
    assert.equal(handle.closed, true)
    assert.equal(fstatSync(fd).ino, inode)
    socket.write('from Node')
    assert.equal(String((await near.recv())?.data), 'from Node')
    await near.send('from here')
    assert.equal(String((await once(socket, 'data'))[0]), 'from here')
    socket.end()
    assert.equal(await near.recv(), null)
    near.close()
    await once(socket, 'close')
  })

  test('is taken over together with what it had read', async () => {
    const path = join(folder, 'server')
    const server = createServer((socket) => socket.write('hello ')).listen(path)
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const socket = netConnect(path)
    await once(socket, 'connect')
    const [theirs] = await accepted
    await until(() => socket.readableLength === 6, 'it has read')
    const handle = UnixSocket.fromSocket(socket)
    assert.deepEqual([handle.type, handle.peer?.pid, socket.destroyed], ['stream', process.pid, true])
    theirs.end('again')
    assert.equal(String((await handle.recv())?.data), 'hello ')
    assert.equal(String((await handle.recv())?.data), 'again')
    assert.equal(await handle.recv(), null)
    handle.close()
    server.close()
  })

  test('there and back leaves nothing open and loses nothing', async () => {
    const open = descriptors()
    const listener = UnixListener.listen(join(folder, 'there-and-back'))
    let near = await UnixSocket.connect(listener.address)
    const far = await listener.accept()
    for (let i = 0; i < 20; i++) {
      await far.send(`${i}`)
      const socket = near.toSocket()
      if (i % 2) await until(() => socket.readableLength > 0, 'it has read')
      near = UnixSocket.fromSocket(socket)
      assert.equal(String((await near.recv())?.data), `${i}`)
    }
    near.close()
    far.close()
    listener.close()
    await turn()
    await until(() => descriptors() <= open, 'all is closed')
  })

  test('is left alone unless it is a connected Unix socket with nothing left to write', async () => {
    for (const bad of [undefined, null, 3, {}, new Duplex()]) {
      assert.throws(() => UnixSocket.fromSocket(/** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.throws(() => UnixSocket.fromSocket(new Socket()), { code: 'ERR_INVALID_STATE' })
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    const tcp = netConnect(port, '127.0.0.1')
    assert.throws(() => UnixSocket.fromSocket(tcp), { code: 'ERR_INVALID_STATE' })
    await once(tcp, 'connect')
    assert.throws(() => UnixSocket.fromSocket(tcp), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.equal(tcp.destroyed, false)
    tcp.destroy()
    server.close()
    const [one, near] = UnixSocket.pair()
    const socket = one.toSocket()
    socket.write(Buffer.alloc(4 << 20))
    assert.throws(() => UnixSocket.fromSocket(socket), { code: 'ERR_INVALID_STATE' })
    socket.on('error', () => {})
    near.close()
    socket.destroy()
    await once(socket, 'close')
    assert.throws(() => UnixSocket.fromSocket(socket), { code: 'ERR_INVALID_STATE' })
  })
})
