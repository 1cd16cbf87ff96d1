/** Channels: what holds for them beside what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel, ChannelListener, pipe, SharedMemory, spawn as spawnWith } from '../index.js'
import native from '../lib/load.js'
import { fixture, start } from './support/child.js'
import { addressesIn, newFolder } from './support/folder.js'
import { inside } from './support/inside.js'
import { descriptors, turn } from './support/state.js'
import { keep, keepAll, undoAfter } from './support/undo.js'
import { unsendable } from './support/unsendable.js'

undoAfter()

/** @param {any} [options] */
const pair = (options) => keepAll(/** @type {[Channel<any>, Channel<any>]} */ (Channel.pair(options)))

const address = addressesIn(newFolder())

/** @param {any} [options] */
function listen(options) {
  return keep(ChannelListener.listen(address(), options))
}

/** @param {string} how @param {(string | number)[]} [words] @param {any} [options] */
function peer(how, words = [], options = undefined) {
  const [ours, theirs] = pair(options)
  return { channel: ours, child: start(fixture('channel-peer.js'), [how, ...words], { handles: [theirs] }) }
}

/** @param {string} code */
const coded = (code) => ({ code })

describe('messages', () => {
  test('in pieces go into the memory of whoever takes their end, and leave that of others alone', async () => {
    const [a, b] = pair({ capacity: 65_536 })
    const [first, second] = [Buffer.alloc(300_000, 1), Buffer.alloc(200_000, 2)]
    const [early, late] = [Buffer.alloc(300_000), Buffer.alloc(400_000)]
    const sending = a.send(first)
    assert.equal(b.tryRecvInto(early), undefined)
    early.fill(0)
    assert.equal(await b.recvInto(late), first.length)
    await sending
    assert.deepEqual(late.subarray(0, first.length), first)
    assert.deepEqual(early, Buffer.alloc(early.length))
    // Of one that is given up in the middle nothing is left either.
    const controller = new AbortController()
    const given = a.send(first, { signal: controller.signal })
    assert.equal(b.tryRecvInto(early), undefined)
    controller.abort()
    await assert.rejects(given, { name: 'AbortError' })
    const [, length] = await Promise.all([a.send(second), b.recvInto(early)])
    assert.equal(length, second.length)
    assert.deepEqual(early.subarray(0, length), second)
  })

  test('come out as they went in, in order, whatever their size', async () => {
    const [a, b] = pair()
    const sizes = [0, 1, 7, 8, 9, 127, 128, 129, 4096, 8192, 8193, 65_536, 524_280, 524_281, 1 << 20, 3_000_001]
    const messages = sizes.map((size, index) => Buffer.alloc(size, index + 1))
    const sending = (async () => {
      for (const message of messages) await a.send(message)
    })()
    for (const message of messages) assert.deepEqual(await b.recv(), message)
    await sending
  })

  test('are sent as they were when send was called', async () => {
    const [a, b] = pair({ capacity: 4096 })
    const data = Buffer.alloc(10_000, 1)
    const sending = a.send(data)
    data.fill(2)
    assert.ok((await b.recv()).every((/** @type {number} */ byte) => byte === 1))
    await sending
  })

  test('are memory of their own: the next one does not change them', async () => {
    const [a, b] = pair()
    const seen = []
    for (let i = 0; i < 20_000; i++) {
      a.sendSync(Buffer.from(String(i)))
      seen.push(b.tryRecv())
    }
    seen.forEach((message, index) => {
      assert.equal(String(message), String(index))
    })
  })

  for (const codec of /** @type {const} */ (['json', 'structured'])) {
    test(`with the codec '${codec}' are values`, async () => {
      const [a, b] = pair({ codec })
      const values = [0, false, '', 'é∞😀', [1, [2]], { a: { b: null } }, 'x'.repeat(2_000_000)]
      for (const value of values) {
        const sending = a.send(value)
        assert.deepEqual(await b.recv(), value)
        await sending
      }
      for (const nothing of [null, undefined]) await assert.rejects(a.send(nothing), coded('ERR_INVALID_ARG_VALUE'))
    })
  }

  test('that JSON makes null of are refused, and the channel goes on', async () => {
    const [here, there] = pair({ codec: 'json' })
    for (const message of [Number.NaN, new Date(Number.NaN), { toJSON: () => null }, () => {}]) {
      await assert.rejects(here.send(message), coded('ERR_INVALID_ARG_TYPE'))
    }
    await here.send({ not: Number.NaN })
    assert.deepEqual(await there.recv(), { not: null })
  })

  for (const codec of /** @type {const} */ (['json', 'structured'])) {
    test(`that have no bytes with the codec '${codec}' are bad input, and nothing of them is sent`, async () => {
      const [a, b] = pair({ codec })
      for (const { message, refused } of unsendable(codec)) {
        await assert.rejects(a.send(message), refused)
        await assert.rejects(a.send(message, { timeout: 1000 }), refused)
        assert.throws(() => a.trySend(message), refused)
        assert.throws(() => a.sendSync(message), refused)
      }
      assert.deepEqual([b.tryRecv(), a.stats.sent], [undefined, 0])
      await a.send({ whole: true })
      assert.deepEqual(await b.recv(), { whole: true })
    })
  }

  test("with the codec 'structured' keep what JSON does not know", async () => {
    const [a, b] = pair({ codec: 'structured' })
    const value = {
      when: new Date(7),
      map: new Map([[1n, new Set(['x'])]]),
      bytes: new Float64Array([1.5, Number.NaN]),
    }
    await a.send(value)
    assert.deepEqual(await b.recv(), value)
  })

  test('with checksums are the same', async () => {
    const [a, b] = pair({ checksum: true })
    for (const size of [0, 1, 100, 10_000, 2_000_000]) {
      const sending = a.send(Buffer.alloc(size, 5))
      assert.deepEqual(await b.recv(), Buffer.alloc(size, 5))
      await sending
    }
  })

  test('of a message that is too long nothing is sent', async () => {
    const [a, b] = pair({ maxMessageSize: 100 })
    await assert.rejects(a.send(Buffer.alloc(101)), coded('EMSGSIZE'))
    assert.throws(() => a.trySend(Buffer.alloc(101)), coded('EMSGSIZE'))
    await a.send(Buffer.alloc(100))
    assert.equal((await b.recv()).length, 100)
    assert.equal(b.tryRecv(), undefined)
  })

  test('go on over the wrap of their positions', { timeout: 60_000 }, async () => {
    const [a, b] = pair({ capacity: 1 << 26, maxMessageSize: 1 << 25 })
    const message = Buffer.alloc((1 << 25) - 64, 3)
    for (let bytes = 0; bytes < 2 ** 32 + 2 ** 27; bytes += message.length) {
      assert.ok(a.trySend(message))
      const borrowed = b.tryBorrow()
      assert.equal(borrowed?.bytes.length, message.length)
      assert.equal(borrowed.bytes[message.length - 1], 3)
      borrowed.release()
    }
  })
})

describe('capacity', () => {
  test('is what a direction holds before send waits', async () => {
    const [a, b] = pair({ capacity: 4096 })
    let sent = 0
    while (a.trySend(Buffer.alloc(56))) sent++
    assert.equal(sent, 64)
    let done = false
    const waiting = a.send('next').then(() => {
      done = true
    })
    await turn()
    assert.equal(done, false)
    for (let i = 0; i < 64; i++) assert.ok(b.tryRecv())
    await waiting
    assert.equal(String(await b.recv()), 'next')
  })

  test('0 is a rendezvous: send settles when the message has been taken', async () => {
    const [a, b] = pair({ capacity: 0 })
    assert.equal(a.trySend('nobody waits'), false)
    let done = false
    const sending = a.send('x').then(() => {
      done = true
    })
    await sleep(20)
    assert.equal(done, false)
    assert.equal(String(b.tryRecv()), 'x')
    await sending
    const receiving = b.recv()
    assert.equal(a.trySend('somebody does'), true)
    assert.equal(String(await receiving), 'somebody does')
  })

  test('0: what was taken was sent, also if the receiver has closed at once', async () => {
    for (const size of [1, 30_000]) {
      const [a, b] = pair({ capacity: 0 })
      const sending = a.send(Buffer.alloc(size))
      await turn()
      assert.equal(b.tryRecv()?.length, size)
      b.close()
      await sending
      await assert.rejects(a.send('y'), coded('EPIPE'))
    }
  })

  test('0: a send that is given up was not received', async () => {
    const [a, b] = pair({ capacity: 0 })
    await assert.rejects(a.send('x', { timeout: 10 }), coded('ETIMEDOUT'))
    const controller = new AbortController()
    const sending = a.send('y', { signal: controller.signal })
    controller.abort()
    await assert.rejects(sending, { name: 'AbortError' })
    assert.throws(() => a.sendSync('z', { timeout: 10 }), coded('ETIMEDOUT'))
    assert.equal(b.tryRecv(), undefined)
    const next = a.send('next')
    assert.equal(String(await b.recv()), 'next')
    await next
  })

  test('0 carries messages that are longer than its ring', async () => {
    const [a, b] = pair({ capacity: 0 })
    const message = Buffer.alloc(1_000_000, 9)
    const [received] = await Promise.all([b.recv(), a.send(message)])
    assert.deepEqual(received, message)
  })

  test('Infinity never waits, keeps the order, and says when it keeps too much', async () => {
    const [a, b] = pair({ capacity: Number.POSITIVE_INFINITY, maxQueued: 10_000_000 })
    for (let i = 0; i < 100; i++) await a.send(Buffer.alloc(100_000, i))
    await assert.rejects(a.send(Buffer.alloc(2_000_000)), coded('ERR_IPC_LIMIT'))
    assert.equal(a.trySend(Buffer.alloc(2_000_000)), false)
    for (let i = 0; i < 100; i++) assert.equal((await b.recv())[0], i)
    await a.flush()
  })
})

describe('giving up', () => {
  test('a receive that is aborted or times out takes nothing', async () => {
    const [a, b] = pair()
    await assert.rejects(b.recv({ timeout: 5 }), coded('ETIMEDOUT'))
    assert.throws(() => b.recvSync({ timeout: 5 }), coded('ETIMEDOUT'))
    const controller = new AbortController()
    const receiving = b.recv({ signal: controller.signal })
    controller.abort()
    await assert.rejects(receiving, { name: 'AbortError' })
    a.send('x')
    await assert.rejects(b.recv({ signal: controller.signal }), { name: 'AbortError' })
    assert.equal(String(await b.recv({ timeout: 0 })), 'x')
  })

  test('messages given up half-way, however many, are not taken for rubbish by who only looks', () => {
    const [a, b] = pair({ capacity: 4096 })
    const large = Buffer.alloc(20_000)
    for (let i = 0; i < 700; i++) {
      assert.throws(() => a.sendSync(large, { timeout: 0 }), { code: 'ETIMEDOUT' })
      assert.equal(b.tryRecv(), undefined)
    }
    assert.equal(a.trySend('small'), true)
    assert.equal(String(b.tryRecv()), 'small')
  })

  test('a message that is given up half-way is not received, and the next one is', async () => {
    const [a, b] = pair({ capacity: 4096 })
    const controller = new AbortController()
    const sending = a.send(Buffer.alloc(100_000, 1), { signal: controller.signal })
    const next = a.send('next')
    await turn()
    controller.abort()
    await assert.rejects(sending, { name: 'AbortError' })
    assert.equal(String(await b.recv()), 'next')
    await next
  })

  test('10,000 timeouts and aborts against a numbered stream: all of it is received, in order', async () => {
    const { channel } = peer('count', [10_000])
    await channel.send('go')
    let expected = 0
    for (;;) {
      const controller = new AbortController()
      const wait = expected % 2 ? { timeout: Math.random() } : { signal: controller.signal }
      const receiving = channel.recv(wait)
      if (expected % 2 === 0) setImmediate(() => controller.abort())
      let message
      try {
        message = await receiving
      } catch (error) {
        assert.ok(['ETIMEDOUT', 20].includes(/** @type {any} */ (error).code), String(error))
        continue
      }
      if (message === null) break
      assert.equal(String(message).split(':')[0], String(expected))
      expected++
    }
    assert.equal(expected, 10_000)
  })
})

describe('without a copy', () => {
  test('what is written into a reservation is sent by commit, or its beginning is', async () => {
    const [a, b] = pair()
    const reservation = await a.reserve(1000)
    reservation.bytes.fill(7)
    const behind = a.send('behind')
    reservation.commit(10)
    assert.deepEqual(await b.recv(), Buffer.alloc(10, 7))
    await behind
    assert.equal(String(await b.recv()), 'behind')
    assert.throws(() => reservation.commit(), coded('ERR_INVALID_STATE'))
  })

  test('a reservation that is cancelled sends nothing', async () => {
    const [a, b] = pair()
    a.tryReserve(100)?.cancel()
    await a.send('x')
    assert.equal(String(await b.recv()), 'x')
    await assert.rejects(a.reserve(600_000), coded('EMSGSIZE'))
  })

  test('a message is borrowed where it stands, and receiving waits for its release', async () => {
    const [a, b] = pair()
    await a.send('one')
    await a.send('two')
    const borrowed = await b.borrow()
    assert.equal(Buffer.from(borrowed?.bytes ?? []).toString(), 'one')
    await assert.rejects(b.recv(), coded('ERR_INVALID_STATE'))
    assert.throws(() => b.tryBorrow(), coded('ERR_INVALID_STATE'))
    borrowed?.release()
    assert.equal(borrowed?.bytes.length, 0)
    assert.equal(String(await b.recv()), 'two')
  })

  test('what a program does with lent memory harms only that', async () => {
    const [a, b] = pair()
    await a.send('one')
    const borrowed = await b.borrow()
    const lent = /** @type {any} */ (borrowed?.bytes.buffer)
    // Which of the two takes it away from under us, and which is refused, is each runtime's own choice.
    for (const take of [() => structuredClone(lent, { transfer: [lent] }), () => lent.transfer?.()]) {
      try {
        take()
      } catch (error) {
        assert.match(/** @type {Error} */ (error).name, /^(DataCloneError|TypeError)$/)
      }
    }
    borrowed?.release()
    await a.send('two')
    assert.equal(String(await b.recv()), 'two')
  })

  test('a message that is too long for recvInto is not taken: its send goes on waiting', async () => {
    const [a, b] = pair({ capacity: 4096 })
    const sending = a.send(Buffer.alloc(100_000))
    await assert.rejects(b.recvInto(Buffer.alloc(99_999)), coded('EMSGSIZE'))
    assert.equal(b.stats.received, 0)
    const memory = SharedMemory.create(64)
    keep(memory)
    b.close()
    await assert.rejects(sending, coded('EPIPE'))

    const [c, d] = pair()
    await c.send(Buffer.alloc(100), { handles: [memory] })
    await assert.rejects(d.recvInto(Buffer.alloc(99)), coded('EMSGSIZE'))
    assert.equal(d.stats.received, 0)
    const [received] = (await d.recvEnvelope()).takeHandles()
    assert.equal(received.size, 64)
    received.close()
  })

  test('whoever waits looks for a moment, and then costs nothing', async () => {
    const [a, b] = pair()
    for (let round = 0; round < 3; round++) {
      const waiting = b.recv()
      for (let i = 0; i < 100; i++) await turn()
      const before = b.stats.wakeups
      const { user, system } = process.cpuUsage()
      await sleep(300)
      const spent = process.cpuUsage({ user, system })
      assert.ok(spent.user + spent.system < 150_000, JSON.stringify(spent))
      await a.send('x')
      assert.equal(String(await waiting), 'x')
      assert.equal(b.stats.wakeups, before + 1)
    }
  })

  test('recvInto leaves a message that is too long where it is', async () => {
    const [a, b] = pair()
    for (const size of [100, 700_000]) {
      const sending = a.send(Buffer.alloc(size, 4))
      await assert.rejects(b.recvInto(Buffer.alloc(size - 1)), coded('EMSGSIZE'))
      const target = Buffer.alloc(size)
      assert.equal(await b.recvInto(target), size)
      assert.ok(target.every((byte) => byte === 4))
      await sending
    }
    a.close()
    assert.equal(await b.recvInto(Buffer.alloc(1)), null)
  })
})

describe('handles', () => {
  test('travel with their message, in order, and are the receiver’s', async () => {
    const [a, b] = pair()
    const memory = SharedMemory.create(4096)
    const { reader, writer } = pipe()
    keepAll([memory, reader, writer])
    await a.send('first')
    await a.send('with handles', { handles: [memory, reader] })
    await a.send('last')
    assert.equal(reader.closed, true)
    assert.equal(memory.closed, false)
    assert.equal(String(await b.recv()), 'first')
    const envelope = await b.recvEnvelope()
    assert.equal(String(envelope?.message), 'with handles')
    const [theirs, read] = /** @type {any[]} */ (envelope?.takeHandles() ?? [])
    keepAll([theirs, read])
    memory.write('shared', 0)
    assert.equal(theirs.read(0, 6).toString(), 'shared')
    await writer.send('through the pipe')
    assert.equal(String(await read.recv()), 'through the pipe')
    assert.deepEqual((await b.recvEnvelope())?.takeHandles(), [])
  })

  test('a channel through a channel goes on where it was, with what was sent before', async () => {
    const [a, b] = pair()
    const [c, d] = pair()
    await c.send('before')
    await a.send('here', { handles: [d] })
    const [moved] = /** @type {Channel[]} */ ((await b.recvEnvelope())?.takeHandles() ?? [])
    keep(moved)
    assert.equal(String(await moved.recv()), 'before')
    await c.send('after')
    assert.equal(String(await moved.recv()), 'after')
    await moved.send('back')
    assert.equal(String(await c.recv()), 'back')
    moved.close()
    assert.equal(await c.recv(), null)
  })

  test('cannot be sent to whoever has gone, and that is what the error says', async () => {
    const [a, b] = pair()
    const memory = SharedMemory.create(4096)
    keep(memory)
    await a.send('x')
    assert.equal(String(b.tryRecv()), 'x')
    // There is something that it has not read: the kernel says ECONNRESET then.
    await a.send('y', { handles: [memory] })
    b.close()
    await assert.rejects(a.send('z', { handles: [memory] }), coded('EPIPE'))
  })

  test('arrive although their sender has gone with something unread', async () => {
    const [a, b] = pair()
    const memory = SharedMemory.create(64)
    keep(memory)
    memory.write('here', 0)
    await a.send('attached')
    assert.equal(String(await b.recv()), 'attached')
    assert.ok(b.trySend('unread', { handles: [memory] }))
    assert.ok(a.trySend('last', { handles: [memory] }))
    a.close()
    const envelope = await b.recvEnvelope()
    const [copy] = /** @type {SharedMemory[]} */ (envelope?.takeHandles() ?? [])
    keep(copy)
    assert.equal(String(copy.read(0, 4)), 'here')
    assert.equal(await b.recv(), null)
  })

  test('of which the message never came are nobody’s once the other side has gone', async () => {
    const [a, b] = pair()
    const { reader, writer } = pipe()
    keep(reader)
    await a.send('attached')
    const { default: native } = await import('../lib/load.js')
    const { coreOf } = inside['handle.js']
    const { control } = /** @type {any} */ (coreOf(a))
    assert.ok(native.controlSend(control.id, 'X{"sequence":7}', [writer.fd]))
    writer.close()
    a.close()
    assert.equal(String(await b.recv()), 'attached')
    assert.equal(await b.recv(), null)
    assert.equal(await reader.recv(), null)
  })

  test('a channel that is in use stays where it is', async () => {
    const [a] = pair()
    const [, d] = pair()
    const waiting = d.recv()
    await assert.rejects(a.send('x', { handles: [d] }), coded('ERR_INVALID_STATE'))
    assert.equal(d.closed, false)
    d.close()
    await assert.rejects(waiting, coded('ERR_IPC_CLOSED'))
  })
})

describe('another process', () => {
  for (const how of ['echo', 'echoSync']) {
    test(`answers (${how})`, async () => {
      const { channel, child } = peer(how)
      for (let i = 0; i < 200; i++) {
        const message = Buffer.alloc(i * 977, i)
        await channel.send(message)
        assert.deepEqual(await channel.recv(), message)
      }
      assert.equal(channel.peer?.pid, child.pid)
      await channel.end()
      await child.succeeded()
    })
  }

  test('is answered by blocking calls', async () => {
    const { channel, child } = peer('echo')
    for (let i = 0; i < 200; i++) {
      channel.sendSync(Buffer.alloc(i * 977, i))
      assert.deepEqual(channel.recvSync({ timeout: 10_000 }), Buffer.alloc(i * 977, i))
    }
    channel.close()
    await child.succeeded()
  })

  test('that exits has ended the stream; one that is killed has died: after all that it sent', async () => {
    const exits = peer('exit')
    assert.equal(String(await exits.channel.recv()), 'the last words')
    assert.equal(await exits.channel.recv(), null)
    assert.equal(await exits.channel.recv(), null)
    await assert.rejects(exits.channel.send('x'), coded('EPIPE'))
    const dies = peer('die')
    assert.equal(String(await dies.channel.recv()), 'the last words')
    await assert.rejects(dies.channel.recv(), coded('ERR_IPC_PEER_DIED'))
    await assert.rejects(dies.channel.send('x'), coded('ERR_IPC_PEER_DIED'))
    assert.throws(() => dies.channel.tryRecv(), coded('ERR_IPC_PEER_DIED'))
  })

  test('that is killed ends a blocking receive, and a send that waits for room', async () => {
    const one = peer('wait')
    await one.child.says('waits')
    setTimeout(() => one.child.process.kill('SIGKILL'), 50)
    const other = peer('idle')
    await other.child.says('waits')
    const sending = (async () => {
      for (;;) await other.channel.send(Buffer.alloc(100_000))
    })()
    await one.child.outcome
    assert.throws(() => one.channel.recvSync({ timeout: 10_000 }), coded('ERR_IPC_PEER_DIED'))
    other.child.process.kill('SIGKILL')
    await assert.rejects(sending, coded('ERR_IPC_PEER_DIED'))
  })

  test('that inherits the descriptor alone adopts it, and a close here says nothing', async () => {
    const [ours, theirs] = pair()
    const script = `
      import { Channel } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const channel = Channel.fromFd(3)
      await channel.send('inherited')
      await channel.end()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    theirs.close()
    assert.equal(String(await ours.recv()), 'inherited')
    assert.equal(await ours.recv(), null)
    assert.deepEqual(await once(child, 'close'), [0, null])
  })
})

describe('a descriptor', () => {
  /** What another process would inherit. @param {Channel<any>} channel */
  const copyOf = (channel) => native.descriptorsCopy([channel.fd])[0]

  test('that was adopted with the wrong codec or checksum can be adopted rightly after that', async () => {
    const [a, b] = pair({ codec: 'json' })
    // What the other end says of itself stands before the set-up, and behind it.
    await a.send('first')
    const fd = copyOf(b)
    b.close()
    const before = descriptors()
    for (const wrong of [{ codec: 'bytes' }, { codec: 'structured' }, { checksum: true }]) {
      assert.throws(() => Channel.fromFd(fd, /** @type {any} */ (wrong)), coded('ERR_IPC_VERSION'))
    }
    assert.equal(descriptors(), before)
    const channel = Channel.fromFd(fd, { codec: 'json' })
    keep(channel)
    assert.equal(channel.peer?.pid, process.pid)
    assert.equal(await channel.recv(), 'first')
    await channel.send('second')
    assert.equal(await a.recv(), 'second')
    channel.close()
    assert.equal(await a.recv(), null)
    assert.throws(() => Channel.fromFd(fd), coded('EBADF'))
  })

  for (const order of ['one after the other', 'at once']) {
    test(`both ends go to others by their descriptors, ${order}`, async () => {
      const [a, b] = pair()
      const fds = []
      if (order === 'at once') fds.push(copyOf(a), copyOf(b))
      else fds.push(copyOf(a))
      a.close()
      if (order !== 'at once') fds.push(copyOf(b))
      b.close()
      const [one, other] = fds.map((fd) => Channel.fromFd(fd))
      keepAll([one, other])
      await one.send('there')
      assert.equal(String(await other.recv()), 'there')
      other.close()
      assert.equal(await one.recv(), null)
    })
  }

  test('both ends go to others by their descriptors, although one handle was forgotten and not closed', async () => {
    const script = `
      import { readdirSync } from 'node:fs'
      import { Channel } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      import native from ${JSON.stringify(new URL('../lib/load.js', import.meta.url).href)}
      const copyOf = (channel) => native.descriptorsCopy([channel.fd])[0]
      const count = () => readdirSync('/proc/self/fd').length
      const fds = []
      function half() {
        const [forgotten, other] = Channel.pair()
        fds.push(copyOf(forgotten))
        return other
      }
      const other = half()
      const before = count()
      for (let i = 0; i < 1000 && count() === before; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      fds.push(copyOf(other))
      other.close()
      const [near, far] = fds.map((fd) => Channel.fromFd(fd))
      await near.send('there')
      console.log(String(await far.recv()))
      process.exit()`
    const child = start('--input-type=module', ['-e', script], { node: ['--expose-gc', '--no-warnings'] })
    assert.equal(await child.succeeded(), 'there\n')
  })

  test('of an end that was closed leaves nothing with the one that stays', async () => {
    const [a, b] = pair()
    const before = descriptors()
    const fd = copyOf(a)
    a.close()
    const other = Channel.fromFd(fd)
    keep(other)
    await other.send('there')
    assert.equal(String(await b.recv()), 'there')
    await b.send('and back')
    assert.equal(String(await other.recv()), 'and back')
    assert.equal(descriptors(), before)
  })
})

describe('the end', () => {
  test('close: what was sent can be received, then null', async () => {
    const [a, b] = pair()
    for (let i = 0; i < 10; i++) a.send(String(i))
    a.close()
    for (let i = 0; i < 10; i++) assert.equal(String(await b.recv()), String(i))
    assert.equal(await b.recv(), null)
    assert.deepEqual(await b.recvMany(), [])
    assert.equal(b.tryRecv(), null)
    assert.equal(b.recvSync(), null)
  })

  test('of a process whose end was never used is an end, too, and no death', async () => {
    const [ours, theirs] = pair()
    const script = `
      import { Channel, inherited } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const [unused, other] = Channel.pair()
      globalThis.unused = unused
      await inherited('line').send('here it is', { handles: [other] })
      process.exit()`
    const words = ['--input-type=module', '-e', script]
    const child = spawnWith(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit'],
      handles: { line: theirs },
    })
    const [channel] = (await ours.recvEnvelope())?.takeHandles() ?? []
    keep(channel)
    assert.equal(await /** @type {Channel} */ (channel).recv(), null)
    assert.deepEqual(child.exitCode ?? (await once(child, 'close'))[0], 0)
  })

  test('the other end of a pair that nobody has used ends the stream too', async () => {
    const [a, b] = pair()
    b.close()
    assert.equal(await a.recv(), null)
  })

  test('flush settles once everything has been received; end closes then', async () => {
    const [a, b] = pair()
    for (let i = 0; i < 100; i++) a.send('x')
    let flushed = false
    const flushing = a.flush().then(() => {
      flushed = true
    })
    await turn()
    assert.equal(flushed, false)
    for (let i = 0; i < 99; i++) b.tryRecv()
    await sleep(10)
    assert.equal(flushed, false)
    b.tryRecv()
    await flushing
    const ending = a.end()
    await ending
    assert.equal(a.closed, true)
    assert.equal(await b.recv(), null)
  })

  test('close counts what only this process had', async () => {
    const [a] = pair({ capacity: 4096 })
    const waiting = [a.send(Buffer.alloc(4000)), a.send(Buffer.alloc(4000)), a.send(Buffer.alloc(4000))]
    const outcomes = Promise.allSettled(waiting)
    a.close()
    const failed = (await outcomes).filter(({ status }) => status === 'rejected')
    assert.equal(a.unsent, failed.length)
    assert.ok(failed.length >= 2)
  })
})

describe('ChannelListener', () => {
  test('gives a channel for each process that connects', async () => {
    const listener = listen({ codec: 'json' })
    const accepting = listener.accept()
    const client = await Channel.connect(listener.address, { codec: 'json' })
    const server = await accepting
    keepAll([client, server])
    await client.send({ hello: 1 })
    assert.deepEqual(await server.recv(), { hello: 1 })
    assert.equal(server.peer?.pid, process.pid)
    assert.equal(client.peer?.uid, process.getuid?.())
    client.close()
    assert.equal(await server.recv(), null)
  })

  test('refuses another codec or checksum, and who comes when there are enough', async () => {
    const listener = listen({ codec: 'json', maxConnections: 1 })
    const accepted = []
    const accepting = (async () => {
      for await (const channel of listener) accepted.push(channel)
    })()
    const options = /** @type {any} */ ({ codec: 'bytes' })
    await assert.rejects(Channel.connect(listener.address, options), coded('ERR_IPC_VERSION'))
    await assert.rejects(Channel.connect(listener.address, { codec: 'json', checksum: true }), coded('ERR_IPC_VERSION'))
    const first = await Channel.connect(listener.address)
    await assert.rejects(Channel.connect(listener.address), coded('ERR_IPC_LIMIT'))
    first.close()
    listener.close()
    await accepting
    for (const channel of accepted) channel.close()
  })

  test('hangs up on whom authorize does not want, who gets ECONNRESET with a hint', async () => {
    const listener = listen({ authorize: () => false })
    const { address } = listener
    const accepting = assert.rejects(listener.accept(), coded('ERR_IPC_CLOSED'))
    await assert.rejects(Channel.connect(address), (/** @type {any} */ error) => {
      assert.equal(error.code, 'ECONNRESET')
      assert.equal(error.path, address)
      assert.match(error.hint, /authorize/)
      return true
    })
    listener.close()
    await accepting
  })

  test('one who says nothing holds up nobody', async () => {
    const listener = listen({ handshakeTimeout: 100 })
    const silent = (await import('../index.js')).UnixSocket.connect(listener.address, { type: 'seqpacket' })
    keep(await silent)
    const accepting = listener.accept()
    const client = await Channel.connect(listener.address)
    keepAll([client, await accepting])
    assert.equal(await (await silent).recv(), null)
  })

  test('that is forgotten closes the channels that nobody has accepted', async () => {
    const script = `
      import { ChannelListener, UnixSocket } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const address = '@os-ipc-spec-forgotten-' + process.pid
      const sockets = []
      async function forget() {
        const listener = ChannelListener.listen(address)
        for (let i = 0; i < 2; i++) {
          sockets.push(await UnixSocket.connect(address, { type: 'seqpacket' }))
          await sockets[i].send('H{"version":1}')
        }
        const accepted = await listener.accept()
        accepted.close()
      }
      await forget()
      let ended = false
      const reading = (async () => {
        while ((await sockets[1].recv()) !== null);
        ended = true
      })()
      for (let i = 0; i < 1000 && !ended; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(ended)
      process.exit()`
    const child = start('--input-type=module', ['-e', script], { node: ['--expose-gc', '--no-warnings'] })
    assert.equal(await child.succeeded(), 'true\n')
  })

  test('does not count channels that were forgotten and not closed', async () => {
    const script = `
      import { Channel, ChannelListener } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const address = '@os-ipc-spec-uncounted-' + process.pid
      const listener = ChannelListener.listen(address, { maxConnections: 1 })
      const clients = []
      async function forget() {
        const [client] = await Promise.all([Channel.connect(address), listener.accept()])
        clients.push(client)
      }
      await forget()
      const accepting = listener.accept()
      const refused = await Channel.connect(address).catch((error) => error.code)
      let more = refused
      for (let i = 0; i < 1000 && typeof more === 'string'; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
        more = await Channel.connect(address).catch((error) => error.code)
      }
      await more.send('there')
      console.log(refused, String(await (await accepting).recv()), clients.length)
      process.exit()`
    const child = start('--input-type=module', ['-e', script], { node: ['--expose-gc', '--no-warnings'] })
    assert.equal(await child.succeeded(), 'ERR_IPC_LIMIT there 1\n')
  })

  test('close ends whoever waits for a connection', async () => {
    const listener = listen()
    const accepting = listener.accept()
    listener.close()
    await assert.rejects(accepting, coded('ERR_IPC_CLOSED'))
    await assert.rejects(Channel.connect(listener.address), coded('ECONNREFUSED'))
  })
})
