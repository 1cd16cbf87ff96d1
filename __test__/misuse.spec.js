/** Misuse: handles, signals, errors and memory that are not what they seem. Nothing hangs, nothing is lost or garbled. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import {
  Channel,
  PipeReader,
  PosixMessageQueue,
  pipe,
  pipeline,
  SharedMemory,
  SysvMessageQueue,
  struct,
  Topic,
  UnixSocket,
} from '../index.js'
import { needs, python } from './support/extras.js'
import { descriptors, turn } from './support/state.js'

const MORE_THAN_FITS = 200_000

/** @param {import('node:test').TestContext} t */
function open(t) {
  const ends = pipe()
  t.after(() => {
    ends.reader.close()
    ends.writer.close()
  })
  return ends
}

describe('a reason that takes no fields', () => {
  const reasons = {
    'a field that cannot be written': () => Object.defineProperty(new Error('mine'), 'bytesSent', { value: 'mine' }),
    'a setter that throws': () =>
      Object.defineProperty(new Error('mine'), 'bytesSent', {
        set() {
          throw new Error('not the reason')
        },
      }),
    'a frozen error': () => Object.freeze(new Error('mine')),
    'a proxy that refuses': () =>
      new Proxy(new Error('mine'), {
        isExtensible() {
          throw new Error('not the reason')
        },
      }),
  }
  for (const [name, make] of Object.entries(reasons)) {
    test(`a send given up for ${name} rejects with it`, async (t) => {
      const { writer } = open(t)
      const controller = new AbortController()
      const reason = make()
      const sent = writer.send(Buffer.alloc(MORE_THAN_FITS), { signal: controller.signal })
      const rejected = assert.rejects(sent, (error) => error === reason)
      controller.abort(reason)
      await rejected
      assert.equal(writer.closed, true)
    })

    test(`a splice given up for ${name} rejects with it`, async (t) => {
      const { reader } = open(t)
      const target = openSync('/dev/null', 'w')
      t.after(() => closeSync(target))
      const controller = new AbortController()
      const reason = make()
      const moved = reader.spliceTo(target, { signal: controller.signal })
      const rejected = assert.rejects(moved, (error) => error === reason)
      await turn()
      controller.abort(reason)
      await rejected
    })
  }
})

describe('a send that may not wait', () => {
  test('and is half done closes the pipe, and tells how far it got', async (t) => {
    const { reader, writer } = open(t)
    writer.pendingLimit = 0
    const error = await writer.send(Buffer.alloc(MORE_THAN_FITS)).catch((error) => error)
    assert.equal(error.code, 'ERR_IPC_LIMIT')
    assert.equal(error.bytesSent, reader.pending)
    assert.equal(writer.closed, true)
  })
})

describe('a frozen handle', () => {
  test('closes like any other', async (t) => {
    const before = descriptors()
    const { reader, writer } = open(t)
    Object.freeze(reader)
    const rejected = assert.rejects(reader.recv(), { code: 'ERR_IPC_CLOSED' })
    reader.close()
    await rejected
    writer.close()
    assert.deepEqual(descriptors(), before)
  })

  test('can be given another capacity', (t) => {
    const { writer } = open(t)
    Object.freeze(writer)
    assert.equal(writer.setCapacity(1 << 17), 1 << 17)
  })
})

describe('a method called upon another object', () => {
  const wrong = { name: 'TypeError', code: 'ERR_INVALID_THIS' }

  test('never reaches the object of another class that has the same number', async (t) => {
    const { reader, writer } = open(t)
    writer.trySend('mine')
    const queue = SysvMessageQueue.open('private')
    t.after(() => {
      queue.remove()
      queue.close()
    })
    const stolen = /** @type {any} */ (PipeReader.prototype)
    assert.throws(() => stolen.tryRecv.call(queue), wrong)
    await assert.rejects(stolen.recv.call(queue, { timeout: 0 }), wrong)
    assert.throws(() => SysvMessageQueue.prototype.tryRecv.call(/** @type {any} */ (reader)), wrong)
    assert.throws(() => PosixMessageQueue.prototype.tryRecv.call(/** @type {any} */ (reader)), wrong)
    assert.equal(String(reader.tryRecv()), 'mine')
  })

  test('is an error with a code, whatever it is called upon', async (t) => {
    const { reader } = open(t)
    for (const other of [{}, null, undefined, 1, Object.create(PipeReader.prototype), new Proxy(reader, {})]) {
      assert.throws(() => PipeReader.prototype.close.call(/** @type {any} */ (other)), wrong)
      assert.throws(() => PipeReader.prototype.tryRecv.call(/** @type {any} */ (other)), wrong)
      await assert.rejects(PipeReader.prototype.recv.call(/** @type {any} */ (other)), wrong)
    }
  })
})

describe('a handle that is looked at by console.log', () => {
  test('shows the descriptor that it has, and none where it has none', (t) => {
    const { reader } = open(t)
    assert.match(inspect(reader), new RegExp(`^PipeReader {[^}]*fd: ${reader.fd}\\b`))
    const address = `@os-ipc-spec-${process.pid}-looked-at`
    const topic = Topic.open(address)
    t.after(() => Topic.unlink(address))
    t.after(() => topic.close())
    assert.match(inspect(topic), /^Topic {[^}]*codec: 'bytes'/)
    assert.doesNotMatch(inspect(topic), /fd/)
  })

  test('makes none by that', (t) => {
    const ends = Channel.pair()
    t.after(() => {
      for (const end of ends) end.close()
    })
    assert.equal(inspect(ends[0]), 'Channel {}')
    assert.equal(inspect({ deep: { deeper: { deepest: ends } } }, { depth: 3 }).includes('[Channel]'), true)
  })

  test('shows that it is closed', (t) => {
    const { reader } = open(t)
    reader.close()
    assert.match(inspect(reader), /^PipeReader { closed: true/)
  })

  test('may be none', () => {
    assert.match(inspect(Object.create(PipeReader.prototype)), /PipeReader/)
  })
})

describe('shared memory that is not what it seems', () => {
  const wrong = { name: 'TypeError', code: 'ERR_INVALID_THIS' }

  test('is an error with a code, whatever a method is called upon', async (t) => {
    const { reader } = open(t)
    const memory = SharedMemory.create(64)
    t.after(() => memory.close())
    const { prototype } = SharedMemory
    for (const other of [{}, null, reader, Object.create(prototype), new Proxy(memory, {}), prototype]) {
      for (const name of Object.getOwnPropertyNames(prototype)) {
        if (name === 'constructor') continue
        const { get, value } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name))
        await assert.rejects(
          async () => (get ?? value).call(other, 'normal'),
          (error) => {
            // Of the arguments it may speak first.
            return (
              /** @type {any} */ (error).code === wrong.code ||
              error instanceof TypeError ||
              error instanceof RangeError
            )
          },
          name,
        )
      }
    }
    assert.throws(() => prototype.read.call(/** @type {any} */ (reader)), wrong)
  })

  test('and is frozen: works and closes like any other', () => {
    const memory = SharedMemory.create(64)
    Object.freeze(memory)
    const bytes = new Uint8Array(memory.buffer)
    bytes[0] = 7
    assert.equal(memory.read(0, 1)[0], 7)
    const { buffer, sharedBuffer } = memory
    assert.ok(memory.buffer === buffer && memory.sharedBuffer === sharedBuffer)
    memory.resize(128)
    assert.equal(bytes.length, 0)
    memory.close()
    assert.equal(memory.closed, true)
  })

  test('and is closed by what it is given: ERR_IPC_CLOSED, and nothing is written', async () => {
    const closing = () => {
      const memory = SharedMemory.create(64)
      const options = {
        get timeout() {
          memory.close()
          return 1000
        },
      }
      return { memory, options }
    }
    const closed = { code: 'ERR_IPC_CLOSED' }
    for (const form of /** @type {const} */ (['wait', 'waitSync'])) {
      const { memory, options } = closing()
      await assert.rejects(async () => memory[form](0, 0, options), closed)
    }
    const Row = struct({ many: ['u8', 2], inner: struct({ a: 'u8', b: 'u8' }) })
    const { memory } = closing()
    const row = Row.view(memory)
    assert.throws(() => {
      row.inner = {
        a: 1,
        get b() {
          memory.close()
          return 2
        },
      }
    }, closed)
    assert.throws(() => row.many[0], closed)
    const signal = /** @type {any} */ ({
      aborted: false,
      removeEventListener() {},
      addEventListener() {
        other.close()
      },
    })
    const other = SharedMemory.create(64)
    await assert.rejects(other.wait(0, 0, { signal }), closed)
  })

  test('and is waited on with a signal that throws when it is listened to: that error, and no wait is left', async () => {
    const memory = SharedMemory.create(64)
    const mine = new Error('mine')
    const signal = /** @type {any} */ ({
      aborted: false,
      addEventListener() {
        throw mine
      },
      removeEventListener() {},
    })
    memory.pendingLimit = 1
    await assert.rejects(memory.wait(0, 0, { signal }), (error) => error === mine)
    const waits = memory.wait(0, 0)
    memory.atomics.store('i32', 0, 1)
    memory.notify(0)
    assert.equal(await waits, 'ok')
    memory.close()
  })

  test('and is read through a buffer that shrinks: an error, and never other memory', () => {
    const Row = struct({ a: 'u32', name: ['char', 8] })
    const buffer = new ArrayBuffer(64, /** @type {any} */ ({ maxByteLength: 128 }))
    const row = Row.view(buffer, 48)
    row.name = 'whole'
    if ('resize' in buffer) {
      /** @type {any} */
      buffer.resize(50)
      assert.throws(
        () => row.a,
        (error) => error instanceof RangeError || error instanceof TypeError,
      )
      assert.throws(
        () => row.name,
        (error) => error instanceof RangeError || error instanceof TypeError,
      )
    }
    const memory = SharedMemory.create(64, { seals: [] })
    const last = Row.view(memory, 48)
    memory.resize(50)
    assert.throws(() => last.a, RangeError)
    assert.throws(() => {
      last.name = 'x'
    }, RangeError)
    memory.close()
  })
})

describe('a signal of the user’s own making', () => {
  const inert = { aborted: false, addEventListener() {}, removeEventListener() {} }

  test('that closes the handle when it is listened to settles the receive', async (t) => {
    const { reader } = open(t)
    const signal = /** @type {any} */ ({ ...inert, addEventListener: () => reader.close() })
    await assert.rejects(reader.recv({ signal }), { code: 'ERR_IPC_CLOSED' })
  })

  test('that closes the handle when it is asked settles the receive', async (t) => {
    const { reader, writer } = open(t)
    const first = reader.recv()
    writer.trySend('x')
    await first
    const signal = /** @type {any} */ (Object.defineProperty({ ...inert }, 'aborted', { get: () => reader.close() }))
    await assert.rejects(reader.recv({ signal }), { code: 'ERR_IPC_CLOSED' })
  })

  test('needs no more than what is said of it: everything that takes one takes it', async (t) => {
    const { reader, writer } = open(t)
    const [here, there] = Channel.pair()
    t.after(() => here.close())
    t.after(() => there.close())
    const mine = new Error('mine')
    const aborted = /** @type {any} */ ({ ...inert, aborted: true, reason: mine })
    const other = open(t)
    const ways = {
      send: () => here.send('x', { signal: aborted }),
      flush: () => here.flush({ signal: aborted }),
      end: () => here.end({ signal: aborted }),
      reserve: () => here.reserve(8, { signal: aborted }),
      recv: () => there.recv({ signal: aborted }),
      recvInto: () => there.recvInto(Buffer.alloc(8), { signal: aborted }),
      borrow: () => there.borrow({ signal: aborted }),
      connect: () => UnixSocket.connect('@nobody', { signal: aborted }),
      'connect a channel': () => Channel.connect('@nobody', { signal: aborted }),
      spliceTo: () => reader.spliceTo(other.writer, { signal: aborted }),
      pipeline: async () => pipeline([['true']], { signal: aborted }),
    }
    for (const [way, call] of Object.entries(ways)) await assert.rejects(call, (error) => error === mine, way)
    const signal = /** @type {any} */ (inert)
    await here.send('x', { signal })
    assert.equal(String(await there.recv({ signal })), 'x')
    await here.flush({ signal })
    writer.trySend('y')
    writer.close()
    assert.equal(await reader.spliceTo(other.writer, { signal }), 1)
  })

  test('that throws when it is listened to loses no message', async (t) => {
    const { reader, writer } = open(t)
    const mine = new Error('mine')
    const signal = /** @type {any} */ ({
      ...inert,
      addEventListener() {
        throw mine
      },
    })
    await assert.rejects(reader.recv({ signal }), (error) => error === mine)
    writer.trySend('x')
    assert.equal(String(await reader.recv()), 'x')
  })

  test('that throws when it is left lets the receive settle, and those behind it', async (t) => {
    const { reader, writer } = open(t)
    const signal = /** @type {any} */ ({
      ...inert,
      removeEventListener() {
        throw new Error('mine')
      },
    })
    const both = [reader.recv({ signal, maxBytes: 1 }), reader.recv()]
    writer.trySend('xy')
    assert.equal((await Promise.all(both)).join(), 'x,y')
  })
})

describe('memory that tells other lengths than it has', () => {
  class Liar extends Uint8Array {
    get length() {
      return 99
    }
    get byteLength() {
      return 77
    }
    get byteOffset() {
      return 5
    }
    get buffer() {
      return new ArrayBuffer(3)
    }
  }
  const liars = {
    'a property of its own': () => Object.defineProperty(Buffer.from('data'), 'length', { value: 8 }),
    'a subclass': () => new Liar(Buffer.from('data')),
  }
  for (const [name, make] of Object.entries(liars)) {
    test(`by ${name}: what it has is sent, and filled`, async (t) => {
      const { reader, writer } = open(t)
      assert.equal(writer.trySend(make()), 4)
      await writer.send(make())
      writer.sendSync(make())
      assert.equal(String(await reader.recv()), 'data'.repeat(3))
      writer.trySend('filled')
      assert.equal(await reader.recvInto(make()), 4)
    })

    test(`by ${name}: in shared memory`, (t) => {
      const memory = SharedMemory.create(64)
      t.after(() => memory.close())
      memory.write(make(), 60)
      assert.equal(String(memory.read(60)), 'data')
      assert.throws(() => memory.write(make(), 61), { code: 'ERR_OUT_OF_RANGE' })
    })

    test(`by ${name}: in a POSIX queue`, (t) => {
      const queue = PosixMessageQueue.open(null, { create: true })
      t.after(() => queue.close())
      queue.unlink()
      assert.equal(queue.trySend(make()), true)
      assert.equal(String(queue.tryRecv()?.data), 'data')
    })
  }
})

describe('a pipeline whose environment closes the end that it is given', () => {
  test('is an error, and no child has a descriptor of somebody else', (t) => {
    const { reader } = open(t)
    const env = {
      get PATH() {
        reader.close()
        return process.env.PATH
      },
    }
    assert.throws(() => pipeline([['cat']], { stdin: reader, env }), { code: 'ERR_IPC_CLOSED' })
  })
})

describe('two copies of the package over one addon, as test runners make them', () => {
  test('do not take each other’s notices', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const root = fileURLToPath(new URL('..', import.meta.url))
    for (const name of ['dist', 'index.js', 'bundle.js', 'package.json'])
      cpSync(join(root, name), join(folder, name), { recursive: true })
    // Both load what the first one has loaded.
    writeFileSync(join(folder, 'native.cjs'), `module.exports = require(${JSON.stringify(join(root, 'native.cjs'))})`)
    const other = await import(pathToFileURL(join(folder, 'index.js')).href)
    assert.notEqual(other.SysvMessageQueue, SysvMessageQueue)

    const queues = [SysvMessageQueue.open('private'), other.SysvMessageQueue.open('private')]
    const pipes = [pipe(), other.pipe()]
    t.after(() => {
      for (const queue of queues) {
        queue.remove()
        queue.close()
      }
      for (const { reader, writer } of pipes) {
        reader.close()
        writer.close()
      }
    })
    for (let round = 0; round < 3; round++) {
      const received = [...queues.map((queue) => queue.recv()), ...pipes.map(({ reader }) => reader.recv())]
      await turn()
      for (const queue of queues) await queue.send('message')
      for (const { writer } of pipes) await writer.send('bytes')
      const [first, second, ...rest] = await Promise.all(received)
      assert.deepEqual(
        [first, second].map(({ data }) => String(data)),
        ['message', 'message'],
      )
      assert.deepEqual(rest.map(String), ['bytes', 'bytes'])
    }
  })
})

describe('a writer that sends packets into a pipe that was made without', () => {
  const program = [
    'import fcntl, os, sys',
    'fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_DIRECT)',
    "os.write(3, b'ready')",
    'sys.stdin.readline()',
    "for i in range(10): os.write(3, b'packet')",
    "os.write(1, b'written')",
    'sys.stdin.readline()',
  ].join('\n')

  test('every packet is received, without another one to wake the reader', {
    ...needs('python'),
    timeout: 10_000,
  }, async (t) => {
    const { reader, writer } = open(t)
    const child = spawn(python, ['-c', program], { stdio: ['pipe', 'pipe', 'inherit', writer.fd] })
    t.after(() => child.kill('SIGKILL'))
    assert.equal(String(await reader.recv()), 'ready')
    const first = reader.recv()
    child.stdin.write('\n')
    await once(child.stdout, 'data')
    assert.equal(String(await first), 'packet')
    for (let i = 1; i < 10; i++) assert.equal(String(await reader.recv()), 'packet')
    assert.equal(reader.pending, 0)
  })
})
