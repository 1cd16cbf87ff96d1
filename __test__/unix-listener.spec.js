/** Listeners: who may connect, what stands at the path already, and listeners that come from elsewhere. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Handle, listenFds, pipe, systemdNotify, UnixListener, UnixSocket } from '../index.js'
import { fixture, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { descriptors, flags, link, turn, until } from './support/state.js'

const limit = { timeout: 30_000 }
const isRoot = process.getuid?.() === 0
const O_CLOEXEC = 0o2000000

let folder = ''
let path = ''
/** @type {Handle[]} */
const made = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  path = join(folder, 'socket')
})
afterEach(() => {
  for (const handle of made.splice(0)) handle.close()
  rmSync(folder, { recursive: true })
})
after(() => {
  for (const handle of made.splice(0)) handle.close()
})

/** @template {Handle} H @param {H} handle @returns {H} */
function keep(handle) {
  made.push(handle)
  return handle
}

/** @param {Parameters<typeof UnixListener.listen>[1]} [options] */
const listen = (options, address = path) => keep(UnixListener.listen(address, options))

/** @param {Parameters<typeof UnixSocket.connect>[1]} [options] */
const connect = async (options, address = path) => keep(await UnixSocket.connect(address, options))

let last = 0
const abstract = () => `@os-ipc-spec-${process.pid}-${++last}`

/** What a connection says first. @param {string} [address] */
async function first(address = path) {
  const socket = await UnixSocket.connect(address)
  try {
    return String((await socket.recv())?.data)
  } finally {
    socket.close()
  }
}

describe('a listener', limit, () => {
  for (const type of /** @type {const} */ (['stream', 'seqpacket'])) {
    test(`of the type ${type} gives connections in the order in which they were made`, async () => {
      const listener = listen({ type })
      assert.ok(listener instanceof UnixListener && listener instanceof Handle)
      assert.deepEqual(
        [listener.type, listener.address, Object.keys(listener).sort()],
        [type, path, ['address', 'fd', 'type']],
      )
      assert.equal(flags('self', listener.fd) & O_CLOEXEC, O_CLOEXEC)
      const pending = [listener.accept(), listener.accept()]
      const clients = [
        await connect({ type }),
        await connect({ type }),
        await connect({ type }),
        await connect({ type }),
      ]
      for (const [i, client] of clients.entries()) await client.send(`hello ${i}`)
      const servers = [...(await Promise.all(pending)), listener.tryAccept(), listener.acceptSync()].map((socket) =>
        keep(/** @type {UnixSocket} */ (socket)),
      )
      for (const [i, socket] of servers.entries()) {
        assert.ok(socket instanceof UnixSocket)
        assert.deepEqual([socket.type, socket.address], [type, path])
        assert.deepEqual({ ...socket.peer }, { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() })
        assert.equal(flags('self', socket.fd) & O_CLOEXEC, O_CLOEXEC)
        const message = await socket.recv()
        assert.equal(String(message?.data), `hello ${i}`)
        assert.equal(message?.credentials?.pid, process.pid, 'of the first message already')
      }
      assert.equal(listener.tryAccept(), undefined)
      assert.throws(() => listener.acceptSync({ timeout: 5 }), { code: 'ETIMEDOUT' })
    })
  }

  test('is iterated: a break withdraws the accept, a close elsewhere ends it quietly', async () => {
    const listener = listen()
    const client = connect()
    for await (const socket of listener) {
      socket.close()
      break
    }
    keep(await client)
    await connect()
    assert.ok(keep(/** @type {UnixSocket} */ (listener.tryAccept())))
    let count = 0
    setImmediate(() => listener.close())
    for await (const socket of listener.iterate({ timeout: 10_000 })) {
      socket.close()
      count++
    }
    assert.equal(count, 0)
  })

  test('loses no connection to a timeout, an abort or a close', async () => {
    const listener = listen()
    const controller = new AbortController()
    const reason = new Error('enough')
    const pending = [
      assert.rejects(listener.accept({ timeout: 0 }), { code: 'ETIMEDOUT' }),
      assert.rejects(listener.accept({ timeout: 10 }), { code: 'ETIMEDOUT' }),
      assert.rejects(listener.accept({ signal: controller.signal }), (error) => error === reason),
    ]
    controller.abort(reason)
    await Promise.all(pending)
    const copy = keep(listener.dup())
    const closed = assert.rejects(listener.accept(), { code: 'ERR_IPC_CLOSED' })
    const client = connect()
    listener.close()
    await closed
    await (await client).send('x')
    const socket = keep(await copy.accept())
    assert.equal(String((await socket.recv())?.data), 'x')
  })

  test('closed leaves the file where it is, and says that it is closed', async () => {
    const listener = listen()
    const { fd } = listener
    listener.close()
    listener.close()
    assert.deepEqual([listener.fd, listener.address], [-1, path])
    assert.ok(lstatSync(path).isSocket())
    assert.equal(link('self', fd), undefined)
    const closed = { code: 'ERR_IPC_CLOSED' }
    await assert.rejects(listener.accept(), closed)
    assert.throws(() => listener.tryAccept(), closed)
    assert.throws(() => listener.acceptSync(), closed)
    assert.throws(() => listener.dup(), closed)
    assert.throws(() => listener.detach(), closed)
    await assert.rejects(UnixSocket.connect(path), { code: 'ECONNREFUSED', path })
  })

  test('has its permissions from the start, less the umask', () => {
    const before = process.umask(0o022)
    try {
      listen()
      assert.equal(lstatSync(path).mode & 0o777, 0o600)
      listen({ mode: 0o666 }, `${path}2`)
      assert.equal(lstatSync(`${path}2`).mode & 0o777, 0o644)
    } finally {
      process.umask(before)
    }
  })

  test('holds as many as its backlog allows; the next one waits until somebody is accepted', async () => {
    const listener = listen({ backlog: 0 })
    await connect()
    await assert.rejects(UnixSocket.connect(path, { timeout: 0 }), { code: 'ETIMEDOUT' })
    const waits = connect()
    keep(await listener.accept())
    keep(await waits)
    keep(await listener.accept())
  })

  test('at the limit of descriptors fails with EMFILE, does not spin, and goes on later', async () => {
    const listener = listen()
    const clients = [await connect(), await connect()]
    const pending = []
    const taken = []
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'))
    } catch {
      // None is left.
    }
    try {
      for (let i = 0; i < 3; i++) {
        await assert.rejects(listener.accept(), { code: 'EMFILE', syscall: 'accept4', hint: /ulimit -n/ })
        assert.throws(() => listener.tryAccept(), { code: 'EMFILE' })
        assert.throws(() => listener.acceptSync(), { code: 'EMFILE' })
      }
      const before = process.cpuUsage()
      await new Promise((resolve) => setTimeout(resolve, 200))
      const { user, system } = process.cpuUsage(before)
      assert.ok(user + system < 100_000, `${user + system} µs of processor time while nothing is done`)
    } finally {
      for (const fd of taken) closeSync(fd)
    }
    for (const client of clients) pending.push(client.send('x'))
    for (let i = 0; i < 2; i++) keep(await listener.accept())
    await Promise.all(pending)
  })

  test('is refused arguments that it cannot have, before anything happens', () => {
    /** @type {Array<[unknown, unknown, string]>} */
    const wrong = [
      [undefined, undefined, 'ERR_INVALID_ARG_TYPE'],
      [7, undefined, 'ERR_INVALID_ARG_TYPE'],
      ['', undefined, 'ERR_IPC_INVALID_NAME'],
      ['a\0b', undefined, 'ERR_IPC_INVALID_NAME'],
      ['x'.repeat(109), undefined, 'ERR_IPC_INVALID_NAME'],
      [path, null, 'ERR_INVALID_ARG_TYPE'],
      [path, { type: 'datagram' }, 'ERR_INVALID_ARG_VALUE'],
      [path, { type: 1 }, 'ERR_INVALID_ARG_TYPE'],
      [path, { mode: 0o10000 }, 'ERR_OUT_OF_RANGE'],
      [path, { backlog: -1 }, 'ERR_OUT_OF_RANGE'],
      [path, { backlog: '1' }, 'ERR_INVALID_ARG_TYPE'],
      [path, { onStale: 'ask' }, 'ERR_INVALID_ARG_VALUE'],
      [path, { onStale: true }, 'ERR_INVALID_ARG_TYPE'],
      [path, { authorize: true }, 'ERR_INVALID_ARG_TYPE'],
    ]
    for (const [address, options, code] of wrong) {
      assert.throws(() => UnixListener.listen(/** @type {any} */ (address), /** @type {any} */ (options)), { code })
    }
    assert.deepEqual(readdirSync(folder), [])
    const construct = () => new /** @type {any} */ (UnixListener)({})
    assert.throws(construct, { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    assert.throws(() => UnixListener.listen(join(folder, 'none', 'x')), { code: 'ENOENT', syscall: 'bind' })
  })

  test('waiting keeps the process alive, unless unref says otherwise, and no exit waits for it', async () => {
    assert.equal((await run(fixture('unix-listener-wait.js'), [path, 'unref'])).code, 0)
    assert.equal((await run(fixture('unix-listener-wait.js'), [`${path}2`, 'exit'])).code, 7)
    const stays = start(fixture('unix-listener-wait.js'), [`${path}3`, 'stay'])
    await stays.says('waiting')
    await connect({}, `${path}3`)
    assert.equal((await stays.kill()).signal, 'SIGKILL')
  })

  test('in a worker that is ended while it waits leaves nothing open', async () => {
    const before = descriptors()
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.index).then(async ({ UnixListener }) => {
        const listener = UnixListener.listen(workerData.path, { onStale: 'replace' })
        const pending = listener.accept()
        parentPort.postMessage('waiting')
        if (workerData.sync) listener.acceptSync()
        await pending
      })`
    for (const sync of [false, true]) {
      const workerData = { index: new URL('../index.js', import.meta.url).href, path, sync }
      const worker = new Worker(code, { eval: true, workerData })
      await once(worker, 'message')
      const began = performance.now()
      await worker.terminate()
      assert.ok(performance.now() - began < 2000)
    }
    await until(() => descriptors() <= before, 'what the workers had is closed')
  })
})

describe('who may connect', limit, () => {
  test('is decided by authorize, by the kernel’s word, before a byte is read', async () => {
    /** @type {unknown[]} */
    const peers = []
    let answer = /** @type {any} */ (false)
    const listener = listen({
      authorize(peer) {
        peers.push({ ...peer })
        if (answer instanceof Error) throw answer
        return answer
      },
    })
    for (const refusal of [false, new Error('no'), undefined, 1, 'yes', Promise.resolve(true)]) {
      answer = refusal
      const client = await connect()
      await client.send('let me in').catch(() => {})
      assert.equal(listener.tryAccept(), undefined)
      const end = await client.recv().catch((error) => error.code)
      assert.ok(end === null || end === 'ECONNRESET', `turned away: ${end}`)
    }
    answer = true
    const client = await connect()
    await client.send('let me in')
    const socket = keep(await listener.accept())
    assert.equal(String((await socket.recv())?.data), 'let me in')
    assert.equal(peers.length, 7)
    for (const peer of peers)
      assert.deepEqual(peer, { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() })
  })

  test('a hundred who may not do not hold up the one who may, nor the event loop', async () => {
    let count = 0
    const listener = listen({ authorize: () => ++count > 200 })
    for (let i = 0; i < 200; i++) await connect()
    const pending = listener.accept()
    await turn()
    await connect()
    keep(await pending)
    assert.equal(count, 201)
  })

  test('an authorize that closes, aborts or accepts itself loses no connection and settles each wait once', async () => {
    const controller = new AbortController()
    /** @type {() => void} */
    let act = () => {}
    const listener = listen({
      authorize() {
        act()
        return true
      },
    })
    act = () => controller.abort(new Error('called off'))
    const aborted = assert.rejects(listener.accept({ signal: controller.signal }), { message: 'called off' })
    const one = await connect()
    await aborted
    act = () => {}
    keep(await listener.accept())
    await one.send('is still connected')

    /** @type {UnixSocket | undefined} */
    let inner
    act = () => {
      act = () => {}
      inner = listener.tryAccept()
    }
    const outer = listener.accept()
    await connect()
    keep(await outer)
    assert.equal(inner, undefined)

    act = () => listener.close()
    const closed = [listener.accept(), listener.accept()].map((wait) =>
      assert.rejects(wait, { code: 'ERR_IPC_CLOSED' }),
    )
    const client = await connect()
    await Promise.all(closed)
    const end = await client.recv().catch((error) => error.code)
    assert.ok(end === null || end === 'ECONNRESET')
  })

  test('at an abstract name is this uid alone, unless authorize says more', {
    skip: !isRoot && 'needs root',
  }, async () => {
    const [closed, open] = [abstract(), abstract()]
    const mine = listen({}, closed)
    const everybodys = listen({ authorize: () => true }, open)
    chmodSync(folder, 0o755)
    listen({ mode: 0o600 })
    assert.equal(mine.address, closed)
    const serve = async () => {
      for await (const socket of everybodys) {
        await socket.send(`hello ${socket.peer?.uid}`)
        socket.close()
      }
    }
    const refusing = mine.accept().catch((error) => error.code)
    const serving = serve()
    const child = await run(fixture('unix-connect-as-nobody.js'), [closed, open, path])
    everybodys.close()
    await serving
    const own = connect({}, closed)
    keep(/** @type {UnixSocket} */ (await refusing))
    await own
    assert.equal(child.stdout, 'the end\nhello 65534\nEACCES\n', child.stderr)
  })
})

describe('what stands at the path', limit, () => {
  test('is EADDRINUSE; replaced if wanted, if it is a socket that nobody has open', async () => {
    listen().close()
    assert.throws(() => listen(), { code: 'EADDRINUSE', errno: -98, syscall: 'bind', path })
    assert.throws(() => listen({ onStale: 'fail' }), { code: 'EADDRINUSE' })
    const listener = listen({ onStale: 'replace' })
    assert.throws(() => listen({ onStale: 'replace' }), { code: 'EADDRINUSE' })
    // The one that was asked has heard nothing of it.
    assert.equal(listener.tryAccept(), undefined)
    listener.close()
    const datagrams = keep(UnixSocket.bind(path, { onStale: 'replace' }))
    assert.throws(() => listen({ onStale: 'replace' }), { code: 'EADDRINUSE' })
    assert.throws(() => UnixSocket.bind(path, { onStale: 'replace' }), { code: 'EADDRINUSE' })
    datagrams.close()
    listen({ onStale: 'replace', type: 'seqpacket' })
    assert.deepEqual(readdirSync(folder), ['socket'])
  })

  test('is never replaced if it is no socket, or a server of Node’s own that answers', async () => {
    writeFileSync(join(folder, 'file'), 'kept')
    symlinkSync('socket', join(folder, 'link'))
    listen().close()
    for (const name of ['file', 'link']) {
      assert.throws(() => listen({ onStale: 'replace' }, join(folder, name)), { code: 'EADDRINUSE' })
    }
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'kept')
    const server = createServer().listen(`${path}2`)
    await once(server, 'listening')
    let heard = 0
    server.on('connection', () => heard++)
    assert.throws(() => listen({ onStale: 'replace' }, `${path}2`), { code: 'EADDRINUSE' })
    await turn()
    assert.equal(heard, 0)
    server.close()
  })

  test('twenty servers that start at once leave exactly one, which answers', { timeout: 60_000 }, async () => {
    for (const type of process.env.CI === 'true' ? ['stream', 'seqpacket'] : ['stream']) {
      const stale = UnixListener.listen(path, { onStale: 'replace' })
      stale.close()
      const servers = Array.from({ length: 20 }, () => start(fixture('unix-serve.js'), [path, type], { stdin: 'pipe' }))
      await Promise.all(servers.map((server) => server.says('\n')))
      const words = servers.map(({ stdout }) => stdout.trim())
      assert.deepEqual([...words].sort(), [...Array(19).fill('EADDRINUSE'), 'listens'])
      const socket = await connect({ type: /** @type {'stream'} */ (type) })
      assert.equal(String((await socket.recv())?.data), String(servers[words.indexOf('listens')].pid))
      for (const server of servers) server.process.stdin?.end()
      for (const server of servers) await server.outcome
    }
  })

  test('a server that was killed is replaced by the next one', async () => {
    for (let i = 0; i < 3; i++) {
      const server = start(fixture('unix-serve.js'), [path, 'stream'], { stdin: 'pipe' })
      await server.says('listens')
      assert.equal(await first(), String(server.pid))
      await server.kill()
    }
    assert.deepEqual(readdirSync(folder), ['socket'])
  })
})

describe('a listener that comes from elsewhere', limit, () => {
  test('is adopted by its descriptor; what does not listen is left alone', async () => {
    const fd = listen().detach()
    const listener = keep(UnixListener.fromFd(fd))
    assert.deepEqual([listener.fd, listener.address, listener.type], [fd, path, 'stream'])
    assert.throws(() => UnixListener.fromFd(fd), { code: 'ERR_INVALID_ARG_VALUE' })
    const [one, other] = UnixSocket.pair()
    const number = one.detach()
    assert.throws(() => UnixListener.fromFd(number), { code: 'ERR_INVALID_ARG_VALUE' })
    keep(UnixSocket.fromFd(number))
    keep(other)
    const client = connect()
    keep(await listener.accept())
    await client
  })

  test('is shared with another process: each connection is accepted by one of them', async () => {
    const listener = listen()
    const child = start(fixture('unix-accept-inherited.js'), [3], { handles: [listener] })
    await child.says('\n')
    assert.equal(child.stdout.trim(), path)
    for (let i = 0; i < 3; i++) assert.equal(await first(), String(child.pid))
    assert.equal((await child.outcome).code, 0)
    const mine = connect()
    keep(await listener.accept())
    await mine
  })

  test('comes by LISTEN_FDS, with its name, close-on-exec, once for this process and not for its children', async () => {
    const names = ['web', 'admin']
    const listeners = names.map((name) => listen({}, join(folder, name)))
    /** @param {Record<string, string>} env */
    const begin = (env) => {
      // `exec` keeps the number of the shell, which has to be known before.
      const child = spawn(
        'sh',
        [
          '-c',
          '[ -n "$LISTEN_PID" ] || export LISTEN_PID=$$; exec "$0" "$@"',
          process.execPath,
          fixture('listen-fds.js'),
        ],
        {
          stdio: ['ignore', 'pipe', 'inherit', ...listeners.map(({ fd }) => fd)],
          env: { ...process.env, ...env },
          timeout: 20_000,
        },
      )
      let text = ''
      child.stdout?.on('data', (data) => {
        text += data
      })
      return { child, said: () => text }
    }
    const good = begin({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:admin' })
    const expected = [
      { fd: 3, name: 'web' },
      { fd: 4, name: 'admin' },
    ]
    for (const name of names) assert.equal(await first(join(folder, name)), name)
    await once(good.child, 'close')
    assert.deepEqual(JSON.parse(good.said()), [expected, expected, [], []])
    for (const env of [
      { LISTEN_FDS: '2', LISTEN_PID: '1' },
      { LISTEN_FDS: 'two' },
      { LISTEN_FDS: '-1' },
      { LISTEN_FDS: '' },
    ]) {
      const other = begin(/** @type {any} */ (env))
      await once(other.child, 'close')
      assert.deepEqual(JSON.parse(other.said()).slice(0, 2), [[], []])
    }
    assert.deepEqual(listenFds(), [], 'this process was handed nothing')
  })
})

describe('the service manager', limit, () => {
  const before = process.env.NOTIFY_SOCKET
  afterEach(() => {
    if (before === undefined) delete process.env.NOTIFY_SOCKET
    else process.env.NOTIFY_SOCKET = before
  })

  test('is told at a path or an abstract name, as text or as a record, with descriptors for its store', async () => {
    for (const address of [path, abstract()]) {
      const manager = keep(UnixSocket.bind(address))
      process.env.NOTIFY_SOCKET = address
      assert.equal(systemdNotify('READY=1'), true)
      assert.equal(systemdNotify({ STATUS: 'half way, a = b', WATCHDOG: 1 }), true)
      const { reader, writer } = pipe()
      assert.equal(systemdNotify({ FDSTORE: 1, FDNAME: 'it' }, { fds: [reader, writer.fd] }), true)
      const texts = []
      for (let i = 0; i < 3; i++) {
        const message = await manager.recv()
        assert.equal(message?.credentials?.pid, process.pid)
        texts.push(String(message?.data))
        assert.equal(message?.fdCount, i === 2 ? 2 : 0)
        for (const fd of message?.fds ?? []) closeSync(fd)
      }
      assert.deepEqual(texts, ['READY=1', 'STATUS=half way, a = b\nWATCHDOG=1', 'FDSTORE=1\nFDNAME=it'])
      assert.deepEqual([reader.closed, writer.closed], [false, false])
      reader.close()
      writer.close()
    }
  })

  test('is not there: false', () => {
    delete process.env.NOTIFY_SOCKET
    assert.equal(systemdNotify('READY=1'), false)
    process.env.NOTIFY_SOCKET = ''
    assert.equal(systemdNotify('READY=1'), false)
    process.env.NOTIFY_SOCKET = join(folder, 'none')
    assert.equal(systemdNotify('READY=1'), false)
    UnixSocket.bind(path).close()
    process.env.NOTIFY_SOCKET = path
    assert.equal(systemdNotify('READY=1'), false)
    process.env.NOTIFY_SOCKET = 'vsock:2:1234'
    assert.throws(() => systemdNotify('READY=1'), { code: 'ERR_IPC_NOT_SUPPORTED' })
  })

  test('is told nothing that it would take for something else', () => {
    process.env.NOTIFY_SOCKET = path
    const manager = keep(UnixSocket.bind(path))
    /** @type {Array<[any, any, string]>} */
    const wrong = [
      [undefined, undefined, 'ERR_INVALID_ARG_TYPE'],
      ['', undefined, 'ERR_INVALID_ARG_VALUE'],
      [{}, undefined, 'ERR_INVALID_ARG_VALUE'],
      [{ 'a b': 1 }, undefined, 'ERR_INVALID_ARG_VALUE'],
      [{ STATUS: 'one\nREADY=1' }, undefined, 'ERR_INVALID_ARG_VALUE'],
      [{ STATUS: null }, undefined, 'ERR_INVALID_ARG_TYPE'],
      [['READY=1'], undefined, 'ERR_INVALID_ARG_TYPE'],
      ['READY=1', null, 'ERR_INVALID_ARG_TYPE'],
      ['READY=1', { fds: 3 }, 'ERR_INVALID_ARG_TYPE'],
      ['READY=1', { fds: ['3'] }, 'ERR_INVALID_ARG_TYPE'],
      ['READY=1', { fds: [-1] }, 'ERR_OUT_OF_RANGE'],
      ['READY=1', { fds: [999_999] }, 'EBADF'],
    ]
    for (const [state, options, code] of wrong) assert.throws(() => systemdNotify(state, options), { code })
    assert.equal(manager.tryRecv(), undefined)
    assert.ok(existsSync(path))
  })

  test('hears what systemd-notify says, in the same words', needs('systemd-notify'), async () => {
    const manager = keep(UnixSocket.bind(path))
    const child = spawn('systemd-notify', ['--ready', '--status=as it goes'], {
      env: { ...process.env, NOTIFY_SOCKET: path },
      stdio: 'ignore',
    })
    const theirs = String((await manager.recv())?.data)
    // It waits until this has been closed, so that it is heard of before it ends.
    const barrier = await manager.recv()
    assert.deepEqual([String(barrier?.data), barrier?.fdCount], ['BARRIER=1', 1])
    for (const fd of barrier?.fds ?? []) closeSync(fd)
    await once(child, 'close')
    process.env.NOTIFY_SOCKET = path
    systemdNotify({ READY: 1, STATUS: 'as it goes' })
    const ours = String((await manager.recv())?.data)
    const lines = (/** @type {string} */ text) =>
      text
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('MAINPID'))
        .sort()
    assert.deepEqual(lines(ours), lines(theirs))
  })
})
