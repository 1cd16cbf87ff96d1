/** Unix sockets: what holds for them beside what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Handle, SocketMessage, UnixSocket } from '../index.js'
import { fixture, output, start } from './support/child.js'
import { needs, python } from './support/extras.js'
import { descriptors, flags, link, until } from './support/state.js'

const limit = { timeout: 20_000 }
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const TYPES = /** @type {const} */ (['stream', 'datagram', 'seqpacket'])

const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
/** @type {Handle[]} */
const made = []
after(() => {
  for (const handle of made) handle.close()
  rmSync(folder, { recursive: true })
})

let names = 0
function name() {
  return `@os-ipc-spec-${process.pid}-${names++}`
}

/** @template {Handle} T @param {T} handle */
function keep(handle) {
  made.push(handle)
  return handle
}

/** @template {'stream' | 'datagram' | 'seqpacket'} T @param {T} type */
function pair(type) {
  const ends = UnixSocket.pair(type)
  made.push(...ends)
  return ends
}

/** @param {UnixSocket} socket */
function fill(socket) {
  let sent = 0
  while (socket.trySend(Buffer.alloc(1000, sent))) sent++
  return sent
}

/** Which part of its time this process works, while it is left alone. */
async function working() {
  await sleep(200)
  const before = process.cpuUsage()
  const began = performance.now()
  await sleep(400)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - began)
}

describe('a pair', limit, () => {
  test('knows who made it, and says so of each message', async () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      assert.ok(one instanceof UnixSocket && one instanceof Handle)
      const me = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
      assert.deepEqual([one.type, one.address, { ...one.peer }], [type, null, me])
      assert.deepEqual(
        one.peerGroups,
        process.getgroups?.().filter((group) => one.peerGroups?.includes(group)),
      )
      await one.send('hello')
      const message = await other.recv()
      assert.ok(message instanceof SocketMessage)
      assert.equal(String(message.data), 'hello')
      assert.deepEqual({ ...message.credentials }, me)
      assert.deepEqual([message.truncated, message.fdCount, message.fds], [false, 0, []])
    }
  })

  test('is close-on-exec and blocking, whatever is done with it', async () => {
    const [one, other] = pair('stream')
    fill(one)
    const pending = one.send('more')
    const waiting = one.recv()
    for (const { fd } of [one, other]) {
      assert.match(String(link('self', fd)), /^socket:/)
      assert.equal(flags('self', fd) & (O_CLOEXEC | O_NONBLOCK), O_CLOEXEC)
    }
    one.close()
    await Promise.all([pending, waiting].map((promise) => assert.rejects(promise, { code: 'ERR_IPC_CLOSED' })))
  })

  test('its constants are properties of its own that cannot be written, and stay after the close', () => {
    const [one] = pair('seqpacket')
    assert.deepEqual(Object.keys(one).sort(), ['address', 'fd', 'peer', 'peerGroups', 'type'])
    assert.throws(() => Object.assign(one, { type: 'stream' }), TypeError)
    const { peer } = one
    one.close()
    assert.deepEqual([one.fd, one.type, one.peer], [-1, 'seqpacket', peer])
  })

  test('sends to a process whose handle is that of one', async () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      const child = start(fixture('unix-socket-echo.js'), [], { handles: [other] })
      other.close()
      await one.send('there and back')
      const answer = await one.recv()
      assert.equal(String(answer?.data), 'there and back')
      assert.equal(answer?.credentials?.pid, child.pid)
      assert.equal(one.peer?.pid, process.pid)
      await one.send('')
      if (type === 'stream') one.close()
      await child.succeeded()
    }
  })
})

describe('messages', limit, () => {
  test('keep their boundaries, and empty ones are not the end', async () => {
    const [one, other] = pair('seqpacket')
    for (const text of ['', 'a', '', 'bc']) await one.send(text)
    one.close()
    const got = []
    for await (const { data } of other) got.push(String(data))
    assert.deepEqual(got, ['', 'a', '', 'bc'])
    assert.equal(await other.recv(), null)
    assert.equal(other.tryRecv(), null)
    assert.equal(other.recvSync(), null)
    assert.deepEqual(await other.recvMany(), [])
  })

  test('that are longer than maxBytes are cut and say so; the next one is whole', async () => {
    for (const type of /** @type {const} */ (['datagram', 'seqpacket'])) {
      const [one, other] = pair(type)
      await one.send('0123456789')
      await one.send('0123456789')
      await one.send('short')
      const cut = await other.recv({ maxBytes: 4 })
      assert.deepEqual([String(cut?.data), cut?.truncated], ['0123', true])
      const [whole, short] = await other.recvMany({ maxBytes: 10 })
      assert.deepEqual([String(whole.data), whole.truncated], ['0123456789', false])
      assert.deepEqual([String(short.data), short.truncated], ['short', false])
    }
  })

  test('arrive whole without being told how long they are', async () => {
    const [one, other] = pair('seqpacket')
    one.bufferSizes = { send: 106_000 }
    const sizes = [1, 1024, 1025, 65_536, 65_537, 200_000, 3, 199_999, 0]
    const bodies = sizes.map((size, index) => Buffer.alloc(size, `${index}${size}`))
    const sent = (async () => {
      for (const body of bodies) await one.send(body)
      await one.sendMany(bodies)
    })()
    for (const body of bodies) assert.ok((await other.recv())?.data.equals(body), String(body.length))
    const many = []
    while (many.length < bodies.length) many.push(...(await other.recvMany()))
    for (const [index, { data, truncated }] of many.entries()) {
      assert.ok(data.equals(bodies[index]) && !truncated, String(bodies[index].length))
    }
    await sent
  })

  test('are each memory of their own', async () => {
    const [one, other] = pair('seqpacket')
    for (const size of [10, 5000, 40_000, 65_536]) {
      for (let index = 0; index < 4; index++) await one.send(Buffer.alloc(size, index + 1))
      const first = await other.recv()
      const [second, third, fourth] = await other.recvMany()
      first?.data.fill(99)
      second.data.fill(99)
      assert.ok(third.data.equals(Buffer.alloc(size, 3)) && fourth.data.equals(Buffer.alloc(size, 4)))
    }
  })

  test('too long for the socket are EMSGSIZE, and nothing of them is sent', async () => {
    for (const type of /** @type {const} */ (['datagram', 'seqpacket'])) {
      const [one, other] = pair(type)
      const { send } = one.bufferSizes
      const error = { code: 'EMSGSIZE', syscall: 'sendmsg' }
      await assert.rejects(one.send(Buffer.alloc(send)), { ...error, hint: /bufferSizes/ })
      assert.throws(() => one.trySend(Buffer.alloc(send)), error)
      assert.throws(() => one.sendSync(Buffer.alloc(send)), error)
      await assert.rejects(one.sendMany(['first', Buffer.alloc(send), 'third']), { ...error, messagesSent: 1 })
      assert.equal(String((await other.recv())?.data), 'first')
      assert.equal(other.tryRecv(), undefined)
    }
  })

  test('go and come by as few calls as can be, in their order', async () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      const texts = Array.from({ length: 1000 }, (_, index) => `message ${index};`)
      const sent = one.sendMany(texts)
      let got = ''
      let calls = 0
      while (got.length < texts.join('').length) {
        const messages = await other.recvMany({ max: 100 })
        assert.ok(messages.length <= 100)
        calls++
        for (const { data } of messages) got += data
      }
      await sent
      assert.equal(got, texts.join(''))
      assert.ok(calls < 500, `${calls} calls`)
    }
  })

  test('of many that were given up say how many have gone', async () => {
    const [one, other] = pair('seqpacket')
    const many = Array.from({ length: 5000 }, (_, index) => `message ${index}`)
    const error = await one.sendMany(many, { timeout: 20 }).then(assert.fail, (thrown) => thrown)
    assert.equal(error.code, 'ETIMEDOUT')
    assert.ok(error.messagesSent > 0 && error.messagesSent < 5000)
    one.close()
    const got = []
    for await (const { data } of other) got.push(String(data))
    assert.deepEqual(got, many.slice(0, error.messagesSent))
  })
})

describe('a stream', limit, () => {
  test('that was given up in mid-send is ended, so that nothing is taken for the rest', async () => {
    const [one, other] = pair('stream')
    const data = Buffer.alloc(1 << 20, 'x')
    const error = await one.send(data, { timeout: 20 }).then(assert.fail, (thrown) => thrown)
    assert.equal(error.code, 'ETIMEDOUT')
    assert.ok(error.bytesSent > 0 && error.bytesSent < data.length)
    await assert.rejects(one.send('rest'), { code: 'EPIPE' })
    let bytes = 0
    for await (const message of other) bytes += message.data.length
    assert.equal(bytes, error.bytesSent)
    // The other way is open.
    await other.send('answer')
    assert.equal(String((await one.recv())?.data), 'answer')
  })

  test('takes up to 64 KiB at once, or as much as it is told', async () => {
    const [one, other] = pair('stream')
    const sent = one.send(Buffer.alloc(200_000, 'y'))
    await until(() => one.queuedBytes > 70_000, 'much is there')
    assert.equal((await other.recv())?.data.length, 65_536)
    assert.equal((await other.recv({ maxBytes: 7 }))?.data.length, 7)
    let rest = 200_000 - 65_536 - 7
    while (rest > 0) rest -= (await other.recv({ maxBytes: 1 << 30 }))?.data.length ?? rest
    await sent
  })

  test('whose reader has gone is EPIPE, one that was reset ECONNRESET, once', async () => {
    const [one, other] = pair('stream')
    await one.send('never read')
    other.close()
    await assert.rejects(one.recv(), { code: 'ECONNRESET', syscall: 'recvmsg' })
    assert.equal(await one.recv(), null)
    await assert.rejects(one.send('x'), { code: 'EPIPE', syscall: 'sendmsg' })
  })

  test('can be shut down one way', async () => {
    const [one, other] = pair('stream')
    const waiting = other.recv()
    one.shutdown('write')
    assert.equal(await waiting, null)
    await other.send('the other way')
    assert.equal(String((await one.recv())?.data), 'the other way')
    const mine = one.recv()
    one.shutdown('read')
    assert.equal(await mine, null)
    assert.throws(() => one.shutdown(/** @type {any} */ ('up')), { code: 'ERR_INVALID_ARG_VALUE' })
  })
})

describe('back-pressure', limit, () => {
  test('of every kind waits without a thread that spins', async () => {
    const address = name()
    const receiver = keep(UnixSocket.bind(address))
    const to = keep(UnixSocket.bind('auto'))
    const connected = keep(await UnixSocket.connect(address, { type: 'datagram' }))
    const pending = []
    for (let index = 0; index < 2000; index++) pending.push(to.send(`m${index}`, { to: address }))
    pending.push(connected.send('connected'))
    for (const type of TYPES) {
      const [one] = pair(type)
      fill(one)
      pending.push(one.send('later').catch(() => {}))
    }
    assert.ok((await working()) < 0.05, 'it spins')
    let expected = 0
    for (let connecteds = 0; expected < 2000 || connecteds < 1; ) {
      const text = String((await receiver.recv()).data)
      if (text === 'connected') connecteds++
      else assert.equal(text, `m${expected++}`)
    }
    await Promise.all(pending.slice(0, 2001))
  })

  test('of a datagram ends with the receiver', async () => {
    const path = join(folder, 'gone')
    const receiver = keep(UnixSocket.bind(path))
    const sender = keep(UnixSocket.bind('auto'))
    while (sender.trySend('x', { to: path }));
    const waiting = sender.send('y', { to: path })
    receiver.close()
    await assert.rejects(waiting, { code: 'ECONNREFUSED', path })
    rmSync(path)
    await assert.rejects(sender.send('z', { to: path }), { code: 'ENOENT', path })
  })

  test('of a datagram goes on with another receiver of the same name', async () => {
    const address = name()
    const first = keep(UnixSocket.bind(address))
    const sender = keep(UnixSocket.bind('auto'))
    while (sender.trySend('old', { to: address }));
    const sends = [sender.send('new', { to: address }), sender.send('newer', { to: address })]
    const taken = first.tryRecv()
    assert.equal(String(taken?.data), 'old')
    await sends[0]
    first.close()
    const second = keep(UnixSocket.bind(address))
    const [outcome] = await Promise.allSettled([sends[1]])
    if (outcome.status === 'fulfilled') assert.match(String((await second.recv()).data), /newer|old/)
    else assert.equal(outcome.reason.code, 'ECONNREFUSED')
  })

  test('of the blocking form waits for the receiver too', async () => {
    const address = name()
    const child = start(fixture('unix-socket-late-receiver.js'), [address])
    await child.says('bound')
    const sender = keep(UnixSocket.bind('auto'))
    for (let index = 0; index < 1000; index++) sender.sendSync(`m${index}`, { to: address })
    sender.sendSync('', { to: address })
    assert.equal(await child.succeeded(), 'bound1000')
  })

  test('is over when there is room: buffers can be enlarged while a send waits', async () => {
    const [one] = pair('seqpacket')
    one.bufferSizes = { send: 4608 }
    const before = one.bufferSizes
    fill(one)
    const waiting = one.send('waits')
    one.bufferSizes = { send: 65_536 }
    await waiting
    assert.equal(one.bufferSizes.recv, before.recv)
    assert.ok(one.bufferSizes.send > before.send)
    assert.ok(one.queuedBytes > 0)
  })
})

describe('addresses', limit, () => {
  test('are paths, or abstract names with whatever bytes', async () => {
    for (const address of [join(folder, 'plain'), name(), `${name()}\0\0x`, `@é${name()}`]) {
      const receiver = keep(UnixSocket.bind(address))
      assert.equal(receiver.address, address)
      const sender = keep(UnixSocket.bind('auto'))
      assert.match(String(sender.address), /^@[0-9a-f]{5}$/)
      await sender.send('x', { to: address })
      assert.equal((await receiver.recv()).from, sender.address)
    }
    const address = name()
    const nodes = keep(UnixSocket.bind(address.replace('@', '\0')))
    assert.equal(nodes.address, address)
  })

  test('of a file whose name begins with an at sign have its folder before them', async () => {
    const cwd = process.cwd()
    process.chdir(folder)
    try {
      const receiver = keep(UnixSocket.bind('./@file'))
      assert.ok(existsSync(join(folder, '@file')))
      const sender = keep(await UnixSocket.connect('./@file', { type: 'datagram' }))
      await sender.send('x')
      await receiver.recv()
    } finally {
      process.chdir(cwd)
    }
  })

  test('may be as long as the kernel takes, and beyond that say so', async () => {
    const path = `${folder}/`.padEnd(108, 'p')
    const receiver = keep(UnixSocket.bind(path))
    assert.equal(receiver.address, path)
    const sender = keep(await UnixSocket.connect(path, { type: 'datagram' }))
    await sender.send('x')
    await receiver.recv()
    for (const long of [`${path}p`, `@${'n'.repeat(108)}`]) {
      assert.throws(() => UnixSocket.bind(long), {
        name: 'TypeError',
        code: 'ERR_IPC_INVALID_NAME',
        message: /at most 10[78] bytes/,
      })
      await assert.rejects(UnixSocket.connect(long), { code: 'ERR_IPC_INVALID_NAME' })
      await assert.rejects(sender.send('x', { to: long }), { code: 'ERR_IPC_INVALID_NAME' })
    }
  })

  test('that cannot be are refused before anything happens', async () => {
    for (const address of ['', 'a\0b']) {
      assert.throws(() => UnixSocket.bind(address), { code: 'ERR_IPC_INVALID_NAME' })
      await assert.rejects(UnixSocket.connect(address), { code: 'ERR_IPC_INVALID_NAME' })
    }
    for (const address of [undefined, null, 7, {}, Buffer.from('x')]) {
      assert.throws(() => UnixSocket.bind(/** @type {any} */ (address)), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(UnixSocket.connect(/** @type {any} */ (address)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    const [one] = pair('seqpacket')
    await assert.rejects(one.send('x', { to: '@somebody' }), { code: 'ERR_INVALID_ARG_VALUE' })
  })

  test('in the file system have the mode that was asked for from the start, and stay after the close', () => {
    const before = process.umask(0o022)
    try {
      for (const [mode, expected] of [
        [undefined, 0o600],
        [0o660, 0o640],
        [0o777, 0o755],
      ]) {
        const path = join(folder, `mode-${mode}`)
        const socket = UnixSocket.bind(path, { mode })
        assert.equal(statSync(path).mode & 0o777, expected)
        socket.close()
        assert.ok(existsSync(path))
        assert.throws(() => UnixSocket.bind(path), { code: 'EADDRINUSE', syscall: 'bind', path })
      }
    } finally {
      process.umask(before)
    }
  })
})

describe('connecting', limit, () => {
  test("reaches Node's own server, which sees bytes", async () => {
    const path = join(folder, 'node')
    const server = createServer((socket) => socket.pipe(socket)).listen(path)
    await once(server, 'listening')
    const client = keep(await UnixSocket.connect(path))
    assert.deepEqual([client.type, client.peer?.pid], ['stream', process.pid])
    await client.send('echo')
    const answer = await client.recv()
    assert.deepEqual([String(answer?.data), answer?.from], ['echo', path])
    client.shutdown('write')
    assert.equal(await client.recv(), null)
    server.close()
  })

  test('to nobody is ECONNREFUSED or ENOENT, to what is no socket or not allowed an error with the path', async () => {
    const stale = join(folder, 'stale')
    UnixSocket.bind(stale).close()
    await assert.rejects(UnixSocket.connect(stale, { type: 'datagram' }), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      path: stale,
    })
    await assert.rejects(UnixSocket.connect(join(folder, 'none')), { code: 'ENOENT' })
    await assert.rejects(UnixSocket.connect('/dev/null'), { code: 'ECONNREFUSED' })
    const other = keep(UnixSocket.bind(join(folder, 'datagrams')))
    await assert.rejects(UnixSocket.connect(String(other.address), { type: 'stream' }), { code: 'EPROTOTYPE' })
    chmodSync(folder, 0o700)
  })

  test(
    'waits in line where the listener is slow, without blocking the loop, and can be given up',
    needs('python'),
    async () => {
      const address = name()
      const child = start(fixture('unix-socket-slow-listener.py'), [address], { command: python, stdin: 'pipe' })
      await child.says('listening')
      const connected = []
      for (;;) {
        try {
          connected.push(keep(await UnixSocket.connect(address, { timeout: 0 })))
        } catch (error) {
          assert.equal(/** @type {any} */ (error).code, 'ETIMEDOUT')
          break
        }
      }
      await assert.rejects(UnixSocket.connect(address, { timeout: 30 }), { code: 'ETIMEDOUT' })
      const reason = new Error('changed my mind')
      const controller = new AbortController()
      const aborted = UnixSocket.connect(address, { signal: controller.signal })
      const waiting = UnixSocket.connect(address)
      assert.ok((await working()) < 0.05, 'it spins')
      controller.abort(reason)
      await assert.rejects(aborted, (thrown) => thrown === reason)
      child.tell('accept')
      const late = keep(await waiting)
      await late.send('after all')
      assert.equal(late.peer?.pid, child.pid)
      await child.kill()
    },
  )
})

describe('fromFd', limit, () => {
  test('adopts a socket of any type', () => {
    for (const type of TYPES) {
      const [one, other] = pair(type)
      const adopted = keep(UnixSocket.fromFd(one.detach()))
      assert.equal(adopted.type, type)
      adopted.sendSync('x')
      assert.equal(String(other.recvSync()?.data), 'x')
    }
  })

  test('refuses what is no such socket, and has not touched it', async () => {
    const path = join(folder, 'listens')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const before = descriptors()
    for (const fd of [0, 1, 2]) {
      if (link('self', fd)?.startsWith('socket:')) continue
      assert.throws(() => UnixSocket.fromFd(fd), { code: 'ERR_INVALID_ARG_VALUE' })
    }
    const listening = /** @type {any} */ (server)._handle.fd
    assert.throws(() => UnixSocket.fromFd(listening), { code: 'ERR_INVALID_ARG_VALUE', message: /listens/ })
    assert.throws(() => UnixSocket.fromFd(99_999), { code: 'EBADF' })
    const [one] = pair('stream')
    assert.throws(() => UnixSocket.fromFd(one.fd), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.equal(descriptors(), before + 2)
    server.close()
  })

  test('that another process has made non-blocking, or blocking, waits all the same', needs('python'), async () => {
    for (const change of ['clear', 'set']) {
      const [one, other] = pair('seqpacket')
      const waiting = one.recv()
      const script = `import fcntl; fcntl.fcntl(3, fcntl.F_SETFL, ${change === 'set' ? O_NONBLOCK : 0})`
      assert.equal(spawnSync(python, ['-c', script], { stdio: ['ignore', 'inherit', 'inherit', one.fd] }).status, 0)
      await other.send('x')
      assert.equal(String((await waiting)?.data), 'x')
      assert.equal(one.tryRecv(), undefined)
      fill(one)
      assert.equal(one.trySend('y'), false)
    }
  })
})

describe('the process at the other side', limit, () => {
  test('is told by a descriptor that no other process can be mistaken for', async () => {
    const script = fixture('unix-socket-connect.js')
    const path = join(folder, 'peer')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const child = start(script, [path], { stdin: 'pipe' })
    const [socket] = await once(server, 'connection')
    const near = keep(UnixSocket.fromFd(/** @type {any} */ (socket)._handle.fd))
    assert.equal(near.peer?.pid, child.pid)
    const peer = near.peerProcess()
    if (peer !== undefined) {
      assert.deepEqual([peer.pid, peer.alive], [child.pid, true])
      const exit = peer.exited()
      await child.kill()
      await exit
      assert.equal(peer.alive, false)
      peer.close()
    }
    near.detach()
    socket.destroy()
    server.close()
  })

  test('of a datagram socket is nobody', () => {
    const socket = keep(UnixSocket.bind('auto'))
    assert.deepEqual([socket.peer, socket.peerGroups, socket.peerProcess()], [null, undefined, undefined])
  })
})

describe('arguments', limit, () => {
  test('that are wrong are refused before anything is sent or taken', async () => {
    const [one, other] = pair('seqpacket')
    await one.send('stays')
    for (const maxBytes of [0, -1, 1.5, Number.NaN, '1', 2 ** 31, null]) {
      const code = /ERR_INVALID_ARG_TYPE|ERR_OUT_OF_RANGE/
      await assert.rejects(other.recv(/** @type {any} */ ({ maxBytes })), { code })
      assert.throws(() => other.tryRecv(/** @type {any} */ ({ maxBytes })), { code })
      await assert.rejects(other.recvMany(/** @type {any} */ ({ maxBytes })), { code })
      await assert.rejects(other.recvMany(/** @type {any} */ ({ max: maxBytes === 2 ** 31 ? -3 : maxBytes })), { code })
    }
    for (const messages of [undefined, 'text', {}, [7], [{}], [{ data: 7 }], [null], ['ok', { data: 'x', fds: 7 }]]) {
      await assert.rejects(one.sendMany(/** @type {any} */ (messages)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const type of ['tcp', '']) {
      assert.throws(() => UnixSocket.pair(/** @type {any} */ (type)), { code: 'ERR_INVALID_ARG_VALUE' })
    }
    for (const sizes of [{ send: 0 }, { recv: -1 }, { send: 1.5 }]) {
      assert.throws(() => Object.assign(one, { bufferSizes: sizes }), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.throws(() => Reflect.construct(SocketMessage, []), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    assert.throws(() => Reflect.construct(UnixSocket, []), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    assert.equal(String((await other.recv())?.data), 'stays')
    assert.equal(other.tryRecv(), undefined)
  })

  test('an empty list of messages is sent at once', async () => {
    const [one] = pair('stream')
    await one.sendMany([])
    assert.equal(one.queuedBytes, 0)
  })
})

test('a process that is killed while it sends leaves whole messages', limit, async () => {
  const [one, other] = pair('seqpacket')
  const child = start(fixture('unix-socket-flood.js'), [], { handles: [one] })
  one.close()
  for (let index = 0; index < 500; index++) assert.equal((await other.recv())?.data.length, 1000)
  await child.kill()
  for await (const { data } of other) assert.equal(data.length, 1000)
})

test('nothing of it keeps a process from ending', limit, async () => {
  assert.equal(await output(fixture('unix-socket-idle.js')), 'done')
})

test('none is listed twice in /proc/net/unix after its close', () => {
  const address = name()
  const socket = UnixSocket.bind(address)
  const listed = () => readFileSync('/proc/net/unix', 'utf8').includes(address)
  assert.ok(listed())
  socket.close()
  assert.ok(!listed())
})
