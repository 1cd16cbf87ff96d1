/** Pipes: what holds for them beside what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Handle, PipeReader, PipeWriter, pipe } from '../index.js'
import { fixture, output, start } from './support/child.js'
import { descriptors, flags, link, turn } from './support/state.js'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const PACKET = 4096
const PAGE = 4096

/** @type {Handle[]} */
const made = []
after(() => {
  for (const handle of made) handle.close()
})

/** @param {Parameters<typeof pipe>[0]} [options] */
function open(options) {
  const ends = pipe(options)
  made.push(ends.reader, ends.writer)
  return ends
}

/** @param {PipeWriter} writer */
function fill(writer) {
  let bytes = 0
  for (let sent = -1; sent !== 0; bytes += sent) sent = writer.trySend(Buffer.alloc(PAGE, 'f'))
  return bytes
}

/** @param {PipeReader} reader */
function drain(reader) {
  let bytes = 0
  for (let data = reader.tryRecv(); data; data = reader.tryRecv()) bytes += data.length
  return bytes
}

describe('pipe()', () => {
  test('gives two ends of a kernel pipe, close-on-exec and blocking', () => {
    const { reader, writer } = open()
    assert.ok(reader instanceof PipeReader && writer instanceof PipeWriter && reader instanceof Handle)
    assert.match(String(link('self', reader.fd)), /^pipe:\[\d+\]$/)
    assert.equal(link('self', reader.fd), link('self', writer.fd))
    for (const { fd } of [reader, writer]) {
      assert.equal(flags('self', fd) & O_CLOEXEC, O_CLOEXEC)
      assert.equal(flags('self', fd) & O_NONBLOCK, 0)
    }
  })

  test('its constants are properties of its own that cannot be written', () => {
    const { reader } = open()
    assert.deepEqual(Object.keys(reader).sort(), ['capacity', 'fd'])
    assert.throws(() => Object.assign(reader, { fd: 0 }), TypeError)
    const { capacity } = reader
    reader.close()
    assert.deepEqual([reader.fd, reader.capacity], [-1, capacity])
  })

  test('its ends cannot be made by new, nor its methods lent to other objects', async () => {
    for (const Type of [PipeReader, PipeWriter, Handle]) {
      assert.throws(() => Reflect.construct(Type, []), { name: 'TypeError', code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    }
    for (const stranger of [{}, Object.create(PipeReader.prototype), null, 7]) {
      await assert.rejects(PipeReader.prototype.recv.call(stranger), TypeError)
      assert.throws(() => PipeReader.prototype.tryRecv.call(stranger), TypeError)
      assert.throws(() => Handle.prototype.close.call(stranger), TypeError)
    }
  })

  test('a promise that fails has the stack of whoever awaits it', async () => {
    const { reader } = open()
    /** @type {any} */
    let error
    await (async function theCaller() {
      await reader.recv({ timeout: 1 })
    })().catch((reason) => {
      error = reason
    })
    assert.match(error.stack, /theCaller/)
  })
})

describe('capacity', () => {
  test('is what the kernel has made of the number asked for', () => {
    assert.equal(open().reader.capacity, 16 * PAGE)
    const { reader, writer } = open({ capacity: 5 * PAGE })
    assert.equal(reader.capacity, 8 * PAGE)
    assert.equal(writer.capacity, 8 * PAGE)
    assert.equal(fill(writer), 8 * PAGE)
    assert.equal(open({ capacity: 1 }).writer.capacity, PAGE)
  })

  test('can be changed; what is in the pipe stays', () => {
    const { reader, writer } = open()
    writer.trySend('kept')
    assert.equal(writer.setCapacity(1 << 20), 1 << 20)
    assert.equal(writer.capacity, 1 << 20)
    assert.equal(String(reader.tryRecv()), 'kept')
    assert.equal(reader.setCapacity(PAGE), PAGE)
    assert.equal(fill(writer), PAGE)
  })

  test('growing it lets a send that waits go on', async () => {
    const { writer } = open({ capacity: PAGE })
    fill(writer)
    const sent = writer.send(Buffer.alloc(PAGE))
    await turn()
    writer.setCapacity(2 * PAGE)
    await sent
  })

  test('too small for what is in the pipe is EBUSY and changes nothing', () => {
    const { writer } = open({ capacity: 4 * PAGE })
    fill(writer)
    assert.throws(() => writer.setCapacity(PAGE), { code: 'EBUSY', syscall: 'fcntl', errno: -16 })
    assert.equal(writer.capacity, 4 * PAGE)
  })

  test('beyond the system’s limit is EPERM, with a hint, and leaves nothing open', async () => {
    assert.equal(await output(fixture('capacity-beyond-limit.js')), 'EPERM fcntl true\nEPERM fcntl true\ntrue')
  })
})

describe('pending', () => {
  test('is the number of bytes in the kernel’s buffer', () => {
    const { reader, writer } = open()
    assert.equal(reader.pending, 0)
    writer.trySend('hello')
    assert.deepEqual([reader.pending, writer.pending], [5, 5])
    reader.tryRecv({ maxBytes: 2 })
    assert.equal(reader.pending, 3)
    reader.close()
    assert.throws(() => reader.pending, { code: 'ERR_IPC_CLOSED' })
  })
})

describe('receiving', () => {
  test('maxBytes is the most that one receive takes', async () => {
    const { reader, writer } = open()
    writer.trySend('abcdef')
    assert.equal(String(await reader.recv({ maxBytes: 1 })), 'a')
    assert.equal(String(reader.tryRecv({ maxBytes: 2 })), 'bc')
    assert.equal(String(reader.recvSync({ maxBytes: 2 })), 'de')
    assert.equal(String(await reader.recv()), 'f')
    writer.trySend('abc')
    const got = []
    for await (const data of reader.iterate({ maxBytes: 1 })) if (got.push(String(data)) === 3) break
    assert.deepEqual(got, ['a', 'b', 'c'])
  })

  test('a large maxBytes costs no memory that is not used', async () => {
    const { reader, writer } = open()
    const before = process.memoryUsage()
    for (let i = 0; i < 20; i++) {
      writer.trySend(Buffer.alloc(PAGE))
      assert.equal((await reader.recv({ maxBytes: 0x7fffffff }))?.length, PAGE)
    }
    const { external, arrayBuffers } = process.memoryUsage()
    assert.ok(Math.max(external - before.external, arrayBuffers - before.arrayBuffers) < 64 << 20)
  })

  test('what is already there comes first when the writer is gone, then the end', async () => {
    const { reader, writer } = open()
    const waiting = reader.recv()
    await turn()
    writer.trySend('last')
    writer.close()
    assert.equal(String(await waiting), 'last')
    assert.equal(await reader.recv(), null)
  })
})

describe('recvInto', () => {
  test('fills the caller’s memory and tells how much of it', async () => {
    const { reader, writer } = open()
    const memory = Buffer.alloc(8, '.')
    writer.trySend('abc')
    assert.equal(await reader.recvInto(memory), 3)
    assert.equal(String(memory), 'abc.....')
    writer.trySend('0123456789')
    assert.equal(await reader.recvInto(memory.subarray(6)), 2)
    assert.equal(String(memory), 'abc...01')
    assert.equal(String(await reader.recv()), '23456789')
    const pending = reader.recvInto(memory)
    await writer.send('later')
    assert.equal(await pending, 5)
    writer.close()
    assert.equal(await reader.recvInto(memory), 0)
    assert.equal(await reader.recvInto(memory), 0)
    assert.equal(String(memory.subarray(0, 5)), 'later')
  })

  test('takes views of every kind', async () => {
    const { reader, writer } = open()
    /** @type {(ArrayBufferView)[]} */
    const views = [
      new Uint8Array(new SharedArrayBuffer(8)),
      new DataView(new ArrayBuffer(24), 8, 8),
      new Int16Array(new ArrayBuffer(24), 8, 4),
      new Float64Array(1),
      new BigUint64Array(1),
      Buffer.alloc(8),
    ]
    for (const view of views) {
      writer.trySend('12345678')
      assert.equal(await reader.recvInto(view), 8)
      assert.equal(String(Buffer.from(view.buffer, view.byteOffset, 8)), '12345678')
    }
  })

  test('memory that has been detached meanwhile is an error, and the bytes are still there', async () => {
    const { reader, writer } = open()
    const memory = new Uint8Array(8)
    const pending = assert.rejects(reader.recvInto(memory), { code: 'ERR_INVALID_STATE' })
    structuredClone(memory.buffer, { transfer: [memory.buffer] })
    writer.trySend('kept')
    await pending
    assert.equal(String(await reader.recv()), 'kept')
  })

  test('memory without a byte is refused', async () => {
    const { reader } = open()
    await assert.rejects(reader.recvInto(new Uint8Array(0)), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
  })
})

describe('packets', () => {
  test('each is received alone, whatever is asked for', async () => {
    const { reader, writer } = open({ packet: true })
    for (const word of ['a', 'bb', 'ccc', 'dddd']) assert.equal(writer.trySend(word), word.length)
    assert.equal(String(await reader.recv()), 'a')
    assert.equal(String(reader.tryRecv({ maxBytes: 1 << 20 })), 'bb')
    assert.equal(String(reader.recvSync()), 'ccc')
    const memory = Buffer.alloc(PACKET)
    assert.equal(await reader.recvInto(memory), 4)
    assert.equal(writer.trySend(Buffer.alloc(PACKET)), PACKET)
    assert.equal((await reader.recv())?.length, PACKET)
  })

  test('a receive that could cut one is refused: the rest would be lost', async () => {
    const { reader, writer } = open({ packet: true })
    writer.trySend('kept')
    const error = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
    await assert.rejects(reader.recv({ maxBytes: PACKET - 1 }), error)
    assert.throws(() => reader.tryRecv({ maxBytes: 1 }), error)
    assert.throws(() => reader.recvSync({ maxBytes: 1 }), error)
    assert.throws(() => reader.iterate({ maxBytes: 1 }), error)
    await assert.rejects(reader.recvInto(Buffer.alloc(PACKET - 1)), error)
    assert.equal(String(reader.tryRecv()), 'kept')
  })

  test('one without a byte is refused: it would not arrive', async () => {
    const { writer } = open({ packet: true })
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }
    await assert.rejects(writer.send(''), error)
    assert.throws(() => writer.trySend(new Uint8Array(0)), error)
    assert.throws(() => writer.sendSync(''), error)
  })

  test('a full pipe takes one more when one has been received', async () => {
    const { reader, writer } = open({ packet: true, capacity: 2 * PAGE })
    const sends = ['1', '2', '3', '4'].map((word) => writer.send(word))
    const got = []
    for (let i = 0; i < 4; i++) got.push(String(await reader.recv()))
    await Promise.all(sends)
    assert.deepEqual(got, ['1', '2', '3', '4'])
  })
})

describe('sending', () => {
  test('trySend tells how many bytes went in', () => {
    const { writer } = open({ capacity: PAGE })
    assert.equal(writer.trySend(Buffer.alloc(3 * PAGE)), PAGE)
    assert.equal(writer.trySend('x'), 0)
    assert.equal(open().writer.trySend(''), 0)
  })

  test('nothing is sent by a send of nothing', async () => {
    const { reader, writer } = open()
    await writer.send('')
    writer.sendSync(new Uint8Array(0))
    assert.equal(reader.pending, 0)
  })

  test('one that is given up tells how far it got, and closes the pipe if that is half-way', async () => {
    for (const giveUp of ['timeout', 'abort', 'sendSync']) {
      const { reader, writer } = open({ capacity: PAGE })
      const message = Buffer.alloc(3 * PAGE, 'm')
      const controller = new AbortController()
      const reason = Object.assign(new Error('mine'), { code: 'MINE' })
      /** @type {any} */
      let error
      if (giveUp === 'sendSync') {
        assert.throws(
          () => writer.sendSync(message, { timeout: 5 }),
          (thrown) => {
            error = thrown
            return true
          },
        )
      } else {
        const options = giveUp === 'timeout' ? { timeout: 5 } : { signal: controller.signal }
        const sending = writer.send(message, options).catch((thrown) => {
          error = thrown
        })
        const behind = assert.rejects(writer.send('behind'), { code: 'ERR_IPC_CLOSED', bytesSent: 0 })
        if (giveUp === 'abort') controller.abort(reason)
        await sending
        await behind
      }
      assert.equal(error.code, giveUp === 'abort' ? 'MINE' : 'ETIMEDOUT')
      assert.equal(error.bytesSent, PAGE)
      assert.equal(writer.closed, true)
      assert.equal(drain(reader), PAGE)
      assert.equal(await reader.recv(), null)
    }
  })

  test('one that is given up before its first byte leaves the pipe as it was', async () => {
    const { reader, writer } = open({ capacity: PAGE })
    fill(writer)
    await assert.rejects(writer.send('never', { timeout: 1 }), { code: 'ETIMEDOUT', bytesSent: 0 })
    assert.throws(() => writer.sendSync('never', { timeout: 1 }), { code: 'ETIMEDOUT', bytesSent: 0 })
    drain(reader)
    await writer.send('next')
    assert.equal(String(await reader.recv()), 'next')
  })

  test('many writers of one pipe do not mix messages of up to PIPE_BUF bytes', async () => {
    const { reader, writer } = open()
    const others = [writer.dup(), writer.dup(), writer.dup()]
    const length = 1000
    const all = [writer, ...others].map(async (each, i) => {
      for (let n = 0; n < 200; n++) await each.send(Buffer.alloc(length, String(i)))
      each.close()
    })
    let rest = Buffer.alloc(0)
    let count = 0
    for await (const data of reader) {
      rest = Buffer.concat([rest, data])
      for (; rest.length >= length; rest = rest.subarray(length), count++) {
        assert.ok(rest.subarray(0, length).every((byte) => byte === rest[0]))
      }
    }
    await Promise.all(all)
    assert.equal(count, 800)
  })
})

describe('without a reader', () => {
  test('every way to write is EPIPE', async () => {
    const { reader, writer } = open()
    reader.close()
    const error = { name: 'Error', code: 'EPIPE', errno: -32, syscall: 'write' }
    await assert.rejects(writer.send('x'), error)
    assert.throws(() => writer.trySend('x'), error)
    assert.throws(() => writer.sendSync('x'), error)
    assert.equal(writer.closed, false)
  })

  test('sends that wait are EPIPE when the last reader goes', async () => {
    const { reader, writer } = open({ capacity: PAGE })
    const sends = [writer.send(Buffer.alloc(2 * PAGE)), writer.send('x')]
    const outcomes = Promise.allSettled(sends)
    await turn()
    reader.close()
    for (const { status, reason } of /** @type {any[]} */ (await outcomes)) {
      assert.deepEqual([status, reason.code], ['rejected', 'EPIPE'])
    }
  })

  test('the process that writes lives', async () => {
    const { reader, writer } = open()
    const child = start(fixture('write-to-nobody.js'), [], { handles: [writer], stdin: 'pipe' })
    await child.says('ready')
    reader.close()
    child.tell('go')
    assert.equal(await child.succeeded(), 'readyEPIPE,EPIPE,EPIPE')
  })
})

describe('a closed handle', () => {
  test('never touches the next owner of its number', async () => {
    const { reader, writer } = open()
    const [readFd, writeFd] = [reader.fd, writer.fd]
    reader.close()
    writer.close()
    const next = open()
    assert.deepEqual(new Set([next.reader.fd, next.writer.fd]), new Set([readFd, writeFd]))
    next.writer.trySend('theirs')
    const closed = { code: 'ERR_IPC_CLOSED' }
    await assert.rejects(writer.send('mine'), closed)
    await assert.rejects(reader.recv(), closed)
    assert.throws(() => reader.tryRecv(), closed)
    assert.throws(() => writer.setCapacity(PAGE), closed)
    await assert.rejects(reader.spliceTo(next.writer), closed)
    await assert.rejects(next.reader.spliceTo(writer), closed)
    reader.close()
    assert.equal(String(next.reader.tryRecv()), 'theirs')
    assert.equal(next.reader.tryRecv(), undefined)
  })
})

describe('fromFd', () => {
  test('takes over a descriptor, with its number', async () => {
    const { reader, writer } = open()
    const fd = reader.detach()
    const again = PipeReader.fromFd(fd)
    made.push(again)
    assert.equal(again.fd, fd)
    assert.equal(again.capacity, writer.capacity)
    writer.trySend('hello')
    assert.equal(String(await again.recv()), 'hello')
    again.close()
    assert.equal(link('self', fd), undefined)
  })

  test('knows packets', () => {
    const { writer } = open({ packet: true })
    const again = PipeWriter.fromFd(writer.detach())
    made.push(again)
    assert.throws(() => again.trySend(Buffer.alloc(PACKET + 1)), { code: 'EMSGSIZE', errno: -90, syscall: 'write' })
  })

  test('in a child, of what it has inherited', async () => {
    const { reader, writer } = open()
    const child = spawn(process.execPath, [fixture('adopt.js')], {
      stdio: ['ignore', 'pipe', 'inherit', reader.fd],
      timeout: 30_000,
    })
    reader.close()
    await writer.send('to the child')
    writer.close()
    let text = ''
    for await (const data of child.stdout) text += data
    assert.equal(text, 'to the child')
  })

  test('refuses what is no such end of a pipe, and has not taken it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    const server = createServer().listen(0)
    try {
      await once(server, 'listening')
      writeFileSync(join(folder, 'file'), '')
      const file = openSync(join(folder, 'file'), 'r+')
      const directory = openSync(folder, 'r')
      const device = openSync('/dev/null', 'r+')
      const { reader, writer } = open()
      const [readFd, writeFd] = [reader.detach(), writer.detach()]
      /** @type {any} */
      const { _handle } = server
      /** @type {[typeof PipeReader | typeof PipeWriter, number][]} */
      const wrong = [
        [PipeReader, file],
        [PipeWriter, file],
        [PipeReader, directory],
        [PipeWriter, device],
        [PipeReader, writeFd],
        [PipeWriter, readFd],
      ]
      if (_handle?.fd > 0) wrong.push([PipeReader, _handle.fd], [PipeWriter, _handle.fd])
      for (const [Type, fd] of wrong) {
        const before = link('self', fd)
        assert.throws(() => Type.fromFd(fd), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
        assert.ok(before !== undefined && link('self', fd) === before)
      }
      for (const fd of [file, directory, device]) closeSync(fd)
      PipeReader.fromFd(readFd).close()
      PipeWriter.fromFd(writeFd).close()
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  })

  test('of a number that is not open is EBADF', () => {
    const { reader } = open()
    const { fd } = reader
    reader.close()
    assert.throws(() => PipeReader.fromFd(fd), { name: 'Error', code: 'EBADF', errno: -9 })
    assert.throws(() => PipeReader.fromFd(0x7fffffff), { code: 'EBADF' })
  })

  test('refuses what an open handle owns already: it would be closed twice', () => {
    const { reader, writer } = open()
    assert.throws(() => PipeReader.fromFd(reader.fd), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => PipeWriter.fromFd(writer.fd), { code: 'ERR_INVALID_ARG_VALUE' })
    writer.trySend('still works')
    assert.equal(String(reader.tryRecv()), 'still works')
  })
})

describe('a child that inherits a descriptor', () => {
  test('sees a pipe that it can open again by /dev/stdin, and blocking; here it stays blocking too', async () => {
    const { reader, writer } = open()
    const copy = reader.dup()
    made.push(copy)
    // What waited here before changes nothing.
    await assert.rejects(copy.recv({ timeout: 1 }), { code: 'ETIMEDOUT' })
    const child = start(fixture('descriptor-zero.js'), [], { stdin: reader.fd })
    reader.close()
    await writer.send('through a pipe')
    writer.close()
    const told = JSON.parse(await child.succeeded())
    assert.equal(told.text, 'through a pipe')
    assert.equal(Number.parseInt(told.flags, 8) & O_NONBLOCK, 0)
    assert.equal(flags('self', copy.fd) & O_NONBLOCK, 0)
  })

  test('and sets O_NONBLOCK on what both share disturbs nobody here', async () => {
    const { reader, writer } = open()
    const child = start(fixture('set-nonblock.js'), [], { stdin: reader.fd })
    await child.says('ready')
    await child.kill()
    const nonblocking = (flags('self', reader.fd) & O_NONBLOCK) !== 0
    assert.throws(() => reader.recvSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
    const pending = reader.recv()
    await turn()
    writer.trySend('hello')
    assert.equal(String(await pending), 'hello')
    if (process.versions.bun === undefined && !('deno' in process.versions)) assert.ok(nonblocking)
  })

  test('has none of the others', async () => {
    const { reader, writer } = open()
    const program =
      'require("fs").readdirSync("/proc/self/fd").map((n) => { try { return require("fs").readlinkSync("/proc/self/fd/" + n) } catch { return "" } })'
    const child = spawn(process.execPath, ['-e', `console.log(JSON.stringify(${program}))`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000,
    })
    let text = ''
    for await (const data of child.stdout) text += data
    assert.ok(!JSON.parse(text).includes(link('self', reader.fd)))
    writer.close()
  })
})

describe('waiting', () => {
  test('100 receives of as many pipes go on while everything else does', async () => {
    const pipes = Array.from({ length: 100 }, () => open())
    const before = descriptors()
    const receives = pipes.map(({ reader }) => reader.recv())
    await sleep(1)
    for (const [i, { writer }] of pipes.entries()) writer.trySend(String(i))
    assert.deepEqual((await Promise.all(receives)).map(String), [...pipes.keys()].map(String))
    assert.ok(descriptors() - before < 10)
    for (const { reader, writer } of pipes) {
      reader.close()
      writer.close()
    }
  })
})
