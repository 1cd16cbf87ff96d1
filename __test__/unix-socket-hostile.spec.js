/** What a peer that means ill can send: descriptors of every kind, cycles of sockets, more than anybody takes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  Fifo,
  PipeReader,
  PipeWriter,
  PosixMessageQueue,
  pipe,
  SharedMemory,
  UnixListener,
  UnixSocket,
} from '../index.js'
import { descriptors, until } from './support/state.js'

const limit = { timeout: 20_000 }

/** @type {string} */
let folder
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-hostile-'))
})
after(() => rmSync(folder, { recursive: true }))

/** Whatever takes descriptors that have come from elsewhere. @type {Record<string, (fd: number) => import('../index.js').Handle>} */
const adopters = {
  PipeReader: PipeReader.fromFd,
  PipeWriter: PipeWriter.fromFd,
  PosixMessageQueue: PosixMessageQueue.fromFd,
  SharedMemory: SharedMemory.fromFd,
  UnixListener: UnixListener.fromFd,
  UnixSocket: UnixSocket.fromFd,
}

/** @param {number} fd */
const isOpen = (fd) => {
  try {
    return fstatSync(fd) !== undefined
  } catch {
    return false
  }
}

test(
  'a descriptor of whatever kind is taken for what it is, or refused and left alone; nothing hangs',
  limit,
  async () => {
    const path = join(folder, 'fifo')
    Fifo.create(path)
    const { reader, writer } = pipe()
    const listener = UnixListener.listen(join(folder, 'listener'))
    const sockets = UnixSocket.pair('datagram')
    const opened = [
      openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY),
      openSync('/dev/zero', constants.O_RDWR),
      openSync('/dev/null', constants.O_RDWR),
      openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
      openSync('/proc/self/mem', constants.O_RDONLY),
      openSync(folder, 0o10000000 /* O_PATH */),
      openSync('/proc/self/status', constants.O_RDONLY),
    ]
    const [peer, mine] = UnixSocket.pair('seqpacket')
    const kinds = [...opened, reader, writer, listener, ...sockets, peer, mine]
    for (const kind of kinds) {
      for (const [name, adopt] of Object.entries(adopters)) {
        await peer.send('take this', { fds: [kind] })
        const [fd] = /** @type {import('../index.js').SocketMessage} */ (await mine.recv()).fds
        try {
          adopt(fd).close()
          assert.ok(!isOpen(fd), `${name} has closed what it took`)
        } catch (error) {
          assert.equal(typeof (/** @type {any} */ (error).code), 'string', String(error))
          assert.ok(isOpen(fd), `${name} has left alone what it refused`)
          closeSync(fd)
        }
      }
    }
    for (const fd of opened) closeSync(fd)
    for (const handle of [reader, writer, listener, ...sockets, peer, mine]) handle.close()
  },
)

test('sockets that have only themselves to be found in are the kernel’s to collect', limit, async () => {
  const before = descriptors()
  for (let round = 0; round < 10_000; round++) {
    const [one, other] = UnixSocket.pair('seqpacket')
    one.trySend('', { fds: [one, other] })
    one.close()
    other.close()
  }
  assert.equal(descriptors(), before)
  const sockets = () => Number(/^sockets: used (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1])
  await until(() => sockets() < 10_000, 'the kernel has collected them')
})

test('numbers that are not open, are no numbers, or are too many are refused, and nothing goes', limit, async () => {
  const [one, other] = UnixSocket.pair('seqpacket')
  const closed = openSync('/dev/null')
  closeSync(closed)
  const wrong = [-1, 1.5, Number.NaN, 2 ** 31, '0', null, {}, [], Symbol('x'), 1n, () => 0]
  for (const fd of wrong) {
    const refused = { code: /^ERR_(OUT_OF_RANGE|INVALID_ARG_TYPE)$/ }
    assert.throws(() => one.trySend('x', { fds: [/** @type {any} */ (fd)] }), refused)
    await assert.rejects(one.send('x', { fds: [0, /** @type {any} */ (fd)] }), refused)
  }
  await assert.rejects(one.send('x', { fds: [0, closed] }), { code: 'EBADF' })
  await assert.rejects(one.send('x', { fds: new Array(254).fill(0) }), { code: 'ERR_OUT_OF_RANGE' })
  assert.equal(other.tryRecv(), undefined)
  // The same twice, and our own socket, are descriptors like others.
  await one.send('x', { fds: [0, 0, one, one] })
  const message = /** @type {import('../index.js').SocketMessage} */ (await other.recv())
  assert.equal(message.fds.length, 4)
  for (const fd of message.fds) closeSync(fd)
  one.close()
  other.close()
})

test('a message that was disposed of has no descriptors, whoever asks, and however often', limit, async () => {
  const [one, other] = UnixSocket.pair('seqpacket')
  const before = descriptors()
  await one.send('x', { fds: [0, 0] })
  const message = /** @type {any} */ (await other.recv())
  const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose')
  message.fdCount = Number.NaN
  message[dispose]()
  message[dispose]()
  assert.deepEqual(message.fds, [])
  assert.equal(descriptors(), before)
  one.close()
  other.close()
})

test('descriptors that nobody takes are closed whatever the limit becomes meanwhile', limit, () => {
  const script = new URL('fixtures/unix-socket-limit-changes.js', import.meta.url).pathname
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([status, signal, stdout], [0, null, 'all closed'], stderr)
})
