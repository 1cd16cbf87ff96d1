/** Node streams over the ends of a pipe. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { finished, PassThrough, Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { after, describe, test } from 'node:test'
import { pipe } from '../index.js'
import { fixture, start } from './support/child.js'
import { descriptors, turn, until } from './support/state.js'

/** @type {import('../index.js').Handle[]} */
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

/** @param {Readable | Writable} stream */
function closed(stream) {
  return stream.closed ? Promise.resolve() : once(stream, 'close')
}

describe('readable()', () => {
  test('gives everything, ends, and has closed its handle then', async () => {
    const { reader, writer } = open()
    const stream = reader.readable()
    assert.ok(stream instanceof Readable)
    await writer.send('hello ')
    writer.trySend('world')
    writer.close()
    assert.equal(await text(stream), 'hello world')
    await closed(stream)
    assert.equal(reader.closed, true)
  })

  test('owns its end from then on: the handle can only be closed', async () => {
    const { reader, writer } = open()
    const stream = reader.readable()
    const state = { name: 'Error', code: 'ERR_INVALID_STATE' }
    await assert.rejects(reader.recv(), state)
    await assert.rejects(reader.recvInto(Buffer.alloc(1)), state)
    assert.throws(() => reader.tryRecv(), state)
    assert.throws(() => reader.recvSync(), state)
    await assert.rejects(reader.iterate().next(), state)
    await assert.rejects(reader.spliceTo(writer), state)
    assert.throws(() => reader.readable(), state)
    assert.throws(() => reader.dup(), state)
    assert.throws(() => reader.detach(), state)
    assert.throws(() => reader.setCapacity(4096), state)
    const ended = closed(stream)
    reader.close()
    await ended
    assert.equal(stream.destroyed, true)
  })

  test('is refused while a receive waits, and after close', async () => {
    const { reader } = open()
    const pending = assert.rejects(reader.recv(), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => reader.readable(), { code: 'ERR_INVALID_STATE' })
    reader.close()
    await pending
    assert.throws(() => reader.readable(), { code: 'ERR_IPC_CLOSED' })
  })

  test('reads no further ahead than its highWaterMark', async () => {
    const { reader, writer } = open({ capacity: 1 << 16 })
    const stream = reader.readable({ highWaterMark: 1000 })
    assert.equal(stream.readableHighWaterMark, 1000)
    writer.trySend(Buffer.alloc(1 << 16))
    stream.read(0)
    await until(() => stream.readableLength > 0, 'something is buffered')
    for (let i = 0; i < 5; i++) await turn()
    assert.equal(stream.readableLength, 1000)
    assert.equal(writer.pending, (1 << 16) - 1000)
    stream.destroy()
  })

  test('its highWaterMark is the capacity of the pipe by default', () => {
    const { reader, writer } = open({ capacity: 1 << 17 })
    const [readable, writable] = [reader.readable(), writer.writable()]
    assert.deepEqual([readable.readableHighWaterMark, writable.writableHighWaterMark], [1 << 17, 1 << 17])
    readable.destroy()
    writable.destroy()
  })

  test('nothing is read before somebody asks', async () => {
    const { reader, writer } = open()
    const stream = reader.readable()
    writer.trySend('there')
    for (let i = 0; i < 3; i++) await turn()
    assert.equal(writer.pending, 5)
    stream.destroy()
  })

  test('destroy() in mid-read closes the pipe, with no error of its own', async () => {
    const { reader, writer } = open()
    const stream = reader.readable()
    stream.on('data', () => {})
    await turn()
    stream.destroy()
    await closed(stream)
    assert.equal(stream.errored, null)
    assert.equal(reader.closed, true)
    await assert.rejects(writer.send('x'), { code: 'EPIPE' })
  })

  test('destroy(error) emits that error', async () => {
    const stream = open().reader.readable()
    const mine = new Error('mine')
    const failed = once(stream, 'error')
    stream.destroy(mine)
    assert.equal((await failed)[0], mine)
  })

  test('of packets: each is a chunk', async () => {
    const { reader, writer } = open({ packet: true })
    const stream = reader.readable()
    assert.equal(stream.readableObjectMode, true)
    for (const word of ['a', 'bb', 'ccc']) writer.trySend(word)
    writer.close()
    const chunks = []
    for await (const chunk of stream) chunks.push(String(chunk))
    assert.deepEqual(chunks, ['a', 'bb', 'ccc'])
  })

  test('a signal destroys it', async () => {
    const { reader } = open()
    const controller = new AbortController()
    const stream = reader.readable({ signal: controller.signal })
    const failed = once(stream, 'error')
    stream.resume()
    controller.abort()
    assert.equal((await failed)[0].name, 'AbortError')
    assert.equal(reader.closed, true)
    const again = open().reader
    const dead = again.readable({ signal: AbortSignal.abort() })
    dead.on('error', () => {})
    await closed(dead)
    assert.equal(again.closed, true)
  })

  test('toWeb gives a web stream', async () => {
    const { reader, writer } = open()
    const web = Readable.toWeb(reader.readable())
    await writer.send('web')
    writer.close()
    let got = ''
    for await (const chunk of web) got += Buffer.from(chunk)
    assert.equal(got, 'web')
    await until(() => reader.closed, 'the end is closed')
  })

  test('cancelling the web stream closes the pipe', async () => {
    const { reader } = open()
    const web = Readable.toWeb(reader.readable())
    await web.cancel()
    await until(() => reader.closed, 'the end is closed')
  })
})

describe('writable()', () => {
  test('sends everything, finishes, and the reader sees the end', async () => {
    const { reader, writer } = open()
    const stream = writer.writable()
    assert.ok(stream instanceof Writable)
    /** @type {string[]} */
    const events = []
    for (const event of ['finish', 'close', 'error']) stream.on(event, () => events.push(event))
    stream.write('hello ')
    stream.end('world')
    await closed(stream)
    assert.deepEqual(events, ['finish', 'close'])
    assert.deepEqual([stream.writableFinished, stream.errored, writer.closed], [true, null, true])
    assert.equal(String(await reader.recv()), 'hello world')
    assert.equal(await reader.recv(), null)
  })

  test('owns its end from then on', async () => {
    const { reader, writer } = open()
    const stream = writer.writable()
    const state = { code: 'ERR_INVALID_STATE' }
    await assert.rejects(writer.send('x'), state)
    assert.throws(() => writer.trySend('x'), state)
    assert.throws(() => writer.sendSync('x'), state)
    await assert.rejects(writer.spliceFrom(reader), state)
    assert.throws(() => writer.writable(), state)
    writer.close()
    await closed(stream)
    assert.equal(stream.writableFinished, false)
  })

  test('says when to wait, and drains', async () => {
    const { reader, writer } = open({ capacity: 4096 })
    const stream = writer.writable({ highWaterMark: 1000 })
    assert.equal(stream.writableHighWaterMark, 1000)
    assert.equal(stream.write(Buffer.alloc(10_000)), false)
    for (let i = 0; i < 3; i++) await turn()
    assert.equal(stream.writableNeedDrain, true)
    const drained = once(stream, 'drain')
    for (let bytes = 0; bytes < 10_000; ) bytes += (await reader.recv())?.length ?? 10_000
    await drained
    stream.destroy()
  })

  test('is destroyed when its handle is closed under it', async () => {
    const { writer } = open({ capacity: 4096 })
    const stream = writer.writable()
    stream.end(Buffer.alloc(10_000))
    await turn()
    const done = new Promise((resolve) => finished(stream, resolve))
    writer.close()
    assert.equal(/** @type {any} */ (await done).code, 'ERR_IPC_CLOSED')
    assert.deepEqual([stream.destroyed, stream.writableFinished], [true, false])
  })

  test('closed under it while idle is a premature end for whoever waits for it', async () => {
    const { writer } = open()
    const stream = writer.writable()
    const done = new Promise((resolve) => finished(stream, resolve))
    writer.close()
    assert.equal(/** @type {any} */ (await done).code, 'ERR_STREAM_PREMATURE_CLOSE')
  })

  test('EPIPE is its error, an event and not an exception', async () => {
    for (const atOnce of [true, false]) {
      const { reader, writer } = open({ capacity: 4096 })
      const stream = writer.writable()
      const failed = once(stream, 'error')
      if (atOnce) reader.close()
      stream.write(Buffer.alloc(5000))
      await turn()
      if (!atOnce) reader.close()
      assert.equal((await failed)[0].code, 'EPIPE')
      await closed(stream)
      assert.equal(writer.closed, true)
    }
  })

  test('a chunk that is no packet is its error', async () => {
    const { writer } = open({ packet: true })
    const stream = writer.writable()
    const failed = once(stream, 'error')
    stream.write(Buffer.alloc(4097))
    assert.equal((await failed)[0].code, 'EMSGSIZE')
  })

  test('toWeb gives a web stream', async () => {
    const { reader, writer } = open()
    const web = Writable.toWeb(writer.writable()).getWriter()
    await web.write(Buffer.from('web'))
    await web.close()
    assert.equal(String(await reader.recv()), 'web')
    assert.equal(await reader.recv(), null)
  })
})

describe('stream.pipeline', () => {
  test('through two pipes: the same bytes, no descriptor left', async () => {
    await turn()
    const before = descriptors()
    const one = open()
    const two = open({ capacity: 1 << 20 })
    const data = Buffer.alloc(20_000_003, 'some bytes; ')
    const [, , got] = await Promise.all([
      pipeline(Readable.from([data]), one.writer.writable()),
      pipeline(one.reader.readable(), new PassThrough(), two.writer.writable()),
      buffer(two.reader.readable()),
    ])
    const digest = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(digest(got), digest(data))
    await until(() => descriptors() <= before, 'every descriptor is closed')
  })

  test('to another process', async () => {
    const { reader, writer } = open()
    const child = start(fixture('count-stdin.js'), [], { stdin: reader.fd })
    reader.close()
    await pipeline(Readable.from([Buffer.alloc(1_000_000), Buffer.alloc(1)]), writer.writable())
    assert.equal(await child.succeeded(), '1000001')
  })

  test('an error on one side destroys the other', async () => {
    const { reader, writer } = open()
    const mine = new Error('mine')
    const failing = new Writable({ write: (_chunk, _encoding, done) => done(mine) })
    writer.trySend('x')
    await assert.rejects(pipeline(reader.readable(), failing), (error) => error === mine)
    assert.equal(reader.closed, true)
  })

  test('a source that fails closes the pipe', async () => {
    const { reader, writer } = open()
    const mine = new Error('mine')
    const source = async function* () {
      yield 'a'
      throw mine
    }
    await assert.rejects(pipeline(source, writer.writable()), (error) => error === mine)
    assert.equal(writer.closed, true)
    assert.equal(String((await reader.recv()) ?? 'a'), 'a')
  })

  test('an abort ends it', async () => {
    const { reader } = open()
    const controller = new AbortController()
    const running = pipeline(reader.readable(), new PassThrough().resume(), { signal: controller.signal })
    await turn()
    controller.abort()
    await assert.rejects(running, { name: 'AbortError' })
    assert.equal(reader.closed, true)
  })
})

describe('options', () => {
  test('that are wrong are refused, and the handle is still the caller’s', async () => {
    const { reader, writer } = open()
    for (const bad of [null, 7, 'x', []]) {
      assert.throws(() => reader.readable(/** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => writer.writable(/** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const highWaterMark of [-1, 1.5, Number.NaN]) {
      assert.throws(() => reader.readable({ highWaterMark }), { code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => writer.writable({ highWaterMark }), { code: 'ERR_OUT_OF_RANGE' })
    }
    const signal = /** @type {any} */ ({})
    assert.throws(() => reader.readable({ signal }), { code: 'ERR_INVALID_ARG_TYPE' })
    await writer.send('ours')
    assert.equal(String(await reader.recv()), 'ours')
  })
})
