/** Misuse: handles, signals, errors and memory that are not what they seem. Nothing hangs, nothing is lost or garbled. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { PipeReader, PosixMessageQueue, pipe, pipeline, SysvMessageQueue } from '../index.js'
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
    for (const name of ['lib', 'index.js', 'package.json'])
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
