/** Handing over: every kind of handle that can travel arrives in another process as what it was. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  Barrier,
  Channel,
  Condition,
  FileLock,
  Mutex,
  PosixMessageQueue,
  PosixSemaphore,
  ProcessHandle,
  pipe,
  RwLock,
  SharedMemory,
  SysvMessageQueue,
  SysvSemaphoreSet,
  Topic,
  UnixListener,
  UnixSocket,
} from '../index.js'
import { fixture, start } from './support/child.js'
import { inside } from './support/inside.js'
import { descriptors, link } from './support/state.js'

const { parcelOf, rebuild } = inside['handover.js']

const limit = { timeout: 20_000 }

/**
 * How the kinds are tried: `give` makes one to be handed over, together with what this process keeps to talk to it by.
 * The other process does with it what fixtures/use-handle.js says.
 * @type {Record<string, { moves: boolean, give: () => { handle: any, talk: () => Promise<string>, end: () => void } }>}
 */
const kinds = {
  barrier: {
    moves: false,
    give() {
      const name = `spec-${process.pid}-handed-over`
      const handle = Barrier.open(name, { parties: 2 })
      const talk = async () => `has come: ${!(await handle.wait({ timeout: 10_000 })).last}`
      return { handle, talk, end: () => Barrier.unlink(name) }
    },
  },
  channel: {
    moves: true,
    give() {
      const [kept, handle] = Channel.pair()
      const talk = async () => {
        await kept.send('from here')
        await kept.end()
        return 'heard: from here'
      }
      return { handle, talk, end: () => kept.close() }
    },
  },
  condition: {
    moves: false,
    give() {
      const name = `spec-${process.pid}-handed-over`
      const handle = Condition.open(name)
      const mutex = Mutex.open(name)
      const talk = async () => {
        await handle.wait(mutex.lockSync(), { timeout: 10_000 })
        return 'notified'
      }
      const end = () => {
        Condition.unlink(name)
        Mutex.unlink(name)
      }
      return { handle, talk, end }
    },
  },
  'file-lock': {
    moves: false,
    give() {
      const path = join(tmpdir(), `os-ipc-spec-${process.pid}-handed-over`)
      const handle = FileLock.open(path, { create: true })
      const guard = handle.lockSync()
      const talk = async () => {
        // Unlinked: what the other process has is the file itself.
        rmSync(path)
        guard.unlock()
        return `locks ${path}`
      }
      return { handle, talk, end: () => rmSync(path, { force: true }) }
    },
  },
  mutex: {
    moves: false,
    give() {
      const name = `spec-${process.pid}-handed-over`
      const handle = Mutex.open(name)
      const guard = handle.lockSync()
      const talk = async () => {
        guard.unlock()
        return 'locked'
      }
      return { handle, talk, end: () => Mutex.unlink(name) }
    },
  },
  'pipe-reader': {
    moves: true,
    give() {
      const { reader, writer } = pipe({ packet: true })
      const talk = async () => {
        await writer.send('from here')
        return 'heard: from here'
      }
      return { handle: reader, talk, end: () => writer.close() }
    },
  },
  'pipe-writer': {
    moves: true,
    give() {
      const { reader, writer } = pipe({ capacity: 1 << 17 })
      const talk = async () => {
        assert.equal(String(await reader.recv()), 'from there')
        return 'said'
      }
      return { handle: writer, talk, end: () => reader.close() }
    },
  },
  'posix-queue': {
    moves: false,
    give() {
      const handle = PosixMessageQueue.open(null, { create: true, maxMessages: 2, maxMessageSize: 64 })
      handle.unlink()
      const talk = async () => {
        await handle.send('from here')
        return 'heard: from here'
      }
      return { handle, talk, end: () => handle.close() }
    },
  },
  'posix-semaphore': {
    moves: false,
    give() {
      const handle = PosixSemaphore.open(null, { create: true, value: 0 })
      const talk = async () => {
        await handle.acquire({ timeout: 10_000 })
        return 'released'
      }
      const end = () => handle.unlink()
      return { handle, talk, end }
    },
  },
  process: {
    moves: false,
    give() {
      const handle = ProcessHandle.open(process.pid)
      return { handle, talk: async () => `knows: ${process.pid}`, end: () => handle.close() }
    },
  },
  rwlock: {
    moves: false,
    give() {
      const name = `spec-${process.pid}-handed-over`
      const handle = RwLock.open(name)
      const guard = handle.writeSync()
      const talk = async () => {
        guard.unlock()
        return 'read'
      }
      return { handle, talk, end: () => RwLock.unlink(name) }
    },
  },
  'shared-memory': {
    moves: false,
    give() {
      const handle = SharedMemory.create(4096)
      handle.write('from here')
      const talk = async () => {
        assert.equal(await handle.wait(16, 0, { timeout: 10_000 }), 'ok')
        return 'holds: from here'
      }
      return { handle, talk, end: () => handle.close() }
    },
  },
  'sysv-queue': {
    moves: false,
    give() {
      const handle = SysvMessageQueue.open('private')
      const talk = async () => {
        await handle.send('from here')
        return 'heard: from here'
      }
      return { handle, talk, end: () => handle.remove() }
    },
  },
  'sysv-semaphores': {
    moves: false,
    give() {
      const handle = SysvSemaphoreSet.open('private', { values: [3, 0] })
      const talk = async () => {
        handle.at(1).release(2)
        return 'has: 3,0'
      }
      return { handle, talk, end: () => handle.remove() }
    },
  },
  topic: {
    moves: false,
    give() {
      const address = `@spec-${process.pid}-handed-over`
      const handle = Topic.open(address)
      const talk = async () => {
        const subscription = await handle.subscribe({ history: 1 })
        const message = await subscription.recv({ timeout: 10_000 })
        subscription.close()
        return `published ${message}`
      }
      return { handle, talk, end: () => Topic.unlink(address) }
    },
  },
  'unix-listener': {
    moves: false,
    give() {
      const handle = UnixListener.listen(`@os-ipc-spec-handover-${process.pid}`)
      const talk = async () => {
        const near = await UnixSocket.connect(handle.address)
        await near.send('from here')
        near.close()
        return 'heard: from here'
      }
      return { handle, talk, end: () => handle.close() }
    },
  },
  'unix-socket': {
    moves: false,
    give() {
      const [near, handle] = UnixSocket.pair('seqpacket')
      const talk = async () => {
        await near.send('from here')
        return 'heard: from here'
      }
      return { handle, talk, end: () => near.close() }
    },
  },
}

describe('handing over', () => {
  for (const [kind, { moves, give }] of Object.entries(kinds)) {
    test(`a ${kind} ${moves ? 'moves: it is closed here' : 'is shared: it stays open here'}`, limit, async () => {
      const { handle, talk, end } = give()
      try {
        assert.equal(parcelOf(handle).kind, kind)
        const child = start(fixture('use-handle.js'), [], { handles: [handle] })
        assert.equal(handle.closed, moves)
        const expected = await talk()
        assert.equal(await child.succeeded(), `${handle.constructor.name} ${expected}`)
      } finally {
        end()
        handle.close()
      }
    })
  }

  test('is tried here for every kind that the table knows', () => {
    const source = readFileSync(new URL('../lib/handover.js', import.meta.url), 'utf8')
    const known = [...source.matchAll(/\[\s*'([a-z-]+)',\s*\{/g)].map(([, kind]) => kind)
    const own = readFileSync(new URL('../lib/channel/handover.js', import.meta.url), 'utf8')
    known.push(...[...own.matchAll(/addRow\('([a-z-]+)'/g)].map(([, kind]) => kind))
    assert.ok(known.length > 0)
    assert.deepEqual(new Set(known), new Set(Object.keys(kinds)))
  })

  test('several at once arrive in their order', limit, async () => {
    const [one, two] = [pipe(), pipe()]
    const child = start(fixture('copy-between.js'), [], { handles: [one.reader, two.writer] })
    await one.writer.send('through another process')
    one.writer.close()
    let got = ''
    for await (const data of two.reader) got += data
    assert.equal(got, 'through another process')
    two.reader.close()
    await child.succeeded()
  })

  test('describing a handle leaves it as it is; a parcel holds numbers and plain values alone', () => {
    const { reader, writer } = pipe()
    const { moves, check, leave, stay, handedOver, ...parcel } = parcelOf(reader)
    assert.deepEqual(parcel, { kind: 'pipe-reader', fds: [reader.fd], meta: {} })
    assert.deepEqual(JSON.parse(JSON.stringify(parcel)), parcel)
    assert.equal(moves, true)
    check()
    leave()
    stay()
    assert.equal(reader.closed, false)
    handedOver()
    assert.throws(check, { code: 'ERR_IPC_CLOSED' })
    assert.deepEqual([reader.closed, writer.closed], [true, false])
    writer.close()
  })

  test('what is closed, lent to a stream or no handle cannot be handed over', () => {
    const { reader, writer } = pipe()
    reader.close()
    assert.throws(() => parcelOf(reader), { code: 'ERR_IPC_CLOSED' })
    const stream = writer.writable()
    assert.throws(() => parcelOf(writer), { code: 'ERR_INVALID_STATE' })
    stream.destroy()
    for (const bad of [undefined, null, 3, 'reader', {}, [], writer.fd, Object.create(null)]) {
      assert.throws(() => parcelOf(bad), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  test('what is rebuilt owns its descriptors, unless it fails', () => {
    const { reader, writer } = pipe()
    const open = descriptors()
    const { kind } = parcelOf(reader)
    const fds = [writer.detach()]
    assert.throws(() => rebuild({ kind, fds, meta: {} }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.equal(descriptors(), open)
    const again = rebuild({ kind: 'pipe-writer', fds, meta: {} })
    assert.equal(link('self', fds[0]), link('self', reader.fd))
    again.close()
    assert.equal(link('self', fds[0]), undefined)
    reader.close()
  })

  test('a kind from another version of the package is refused by name', () => {
    assert.throws(() => rebuild({ kind: 'time-machine', fds: [], meta: {} }), {
      code: 'ERR_IPC_NOT_SUPPORTED',
      message: /time-machine/,
    })
  })
})
