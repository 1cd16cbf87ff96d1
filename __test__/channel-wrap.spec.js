/** Channels whose positions wrap: they are numbers of 32 bits, and V8 sees them with a sign. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pairFrom, STARTS } from './support/channel-starts.js'
import { fixture, start } from './support/child.js'
import { inside } from './support/inside.js'
import { keepAll, undoAfter } from './support/undo.js'

const { coreOf } = inside['handle.js']

/** @typedef {import('../index.js').Channel<any>} Channel */

const PAGE = 4096
const corrupt = { code: 'ERR_IPC_CORRUPT' }

undoAfter()

/** Both rings begin there. @param {number} at @param {any} [options] */
const pair = (at, options) => keepAll(pairFrom([at, at], { capacity: PAGE, ...options }))

/** Where a ring's words say that it is. @param {any} half of a core */
const positions = ({ words, at }) => [Atomics.load(words, at) >>> 0, Atomics.load(words, at + 16) >>> 0]

/** How one message is sent, and how one is received. @type {Record<string, (channel: Channel, message: Buffer) => Promise<unknown>>} */
const sends = {
  send: (channel, message) => channel.send(message),
  trySend: async (channel, message) => assert.equal(channel.trySend(message), true),
  sendSync: async (channel, message) => channel.sendSync(message),
  async reserve(channel, message) {
    const room = await channel.reserve(message.length)
    room.bytes.set(message)
    room.commit()
  },
}

/** @type {Record<string, (channel: Channel) => Promise<Buffer>>} */
const receives = {
  recv: (channel) => channel.recv(),
  tryRecv: async (channel) => channel.tryRecv(),
  recvSync: async (channel) => channel.recvSync(),
  recvMany: async (channel) => (await channel.recvMany({ max: 1 }))[0],
  async recvInto(channel) {
    const target = Buffer.alloc(PAGE)
    return target.subarray(0, /** @type {number} */ (await channel.recvInto(target)))
  },
  async borrow(channel) {
    const borrowed = /** @type {any} */ (await channel.borrow())
    const copy = Buffer.from(borrowed.bytes)
    borrowed.release()
    return copy
  },
}

for (const at of STARTS) {
  describe(`a channel whose positions begin at ${at}`, { timeout: 20_000 }, () => {
    for (const checksum of [false, true]) {
      test(`carries messages however they are sent and received${checksum ? ', with checksums' : ''}`, async () => {
        for (const [how, send] of Object.entries(sends)) {
          for (const [way, receive] of Object.entries(receives)) {
            const [a, b] = pair(at, { checksum })
            for (let i = 0; i < 20; i++) {
              const message = Buffer.alloc(1 + ((i * 83) % 1500), i)
              await send(a, message)
              assert.ok(message.equals(await receive(b)), `${how}, ${way}: message ${i}`)
            }
            a.close()
            assert.equal(await b.recv(), null)
            b.close()
          }
        }
      })
    }

    test('has its positions beyond the wrap afterwards', async () => {
      const [a, b] = pair(at)
      for (let i = 0; i < 10; i++) {
        await a.send(Buffer.alloc(1000))
        await b.recv()
      }
      await a.flush()
      const end = (at + 10 * 1008) % 2 ** 32
      assert.deepEqual(positions(/** @type {any} */ (coreOf(b)).incoming), [end, end])
      assert.ok(end < at || (at < 2 ** 31 && end >= 2 ** 31))
    })

    test('is full there, and has room again when something was taken', async () => {
      const [a, b] = pair(at)
      let sent = 0
      while (a.trySend(Buffer.alloc(56, sent))) sent++
      assert.equal(sent, 64)
      const waiting = a.send(Buffer.alloc(56, sent))
      for (let i = 0; i <= 64; i++) assert.deepEqual(await b.recv(), Buffer.alloc(56, i))
      await waiting
      await a.flush()
    })

    test('carries messages in pieces, and gives them up', async () => {
      const [a, b] = pair(at)
      for (let i = 0; i < 5; i++) {
        const given = a.send(Buffer.alloc(50_000), { timeout: 2 })
        await assert.rejects(given, { code: 'ETIMEDOUT' })
        const message = Buffer.alloc(20_000, i)
        const sending = a.send(message)
        assert.ok(message.equals(await b.recv()))
        await sending
      }
    })

    test('is a rendezvous there', async () => {
      const [a, b] = pair(at, { capacity: 0 })
      for (let i = 0; i < 20; i++) {
        const message = Buffer.alloc(i % 5 === 0 ? 100_000 : i, i)
        const sending = a.send(message)
        assert.ok(message.equals(await b.recv()))
        await sending
      }
      await assert.rejects(a.send('x', { timeout: 2 }), { code: 'ETIMEDOUT' })
      const sending = a.send('y')
      assert.equal(String(await b.recv()), 'y')
      await sending
    })

    test('goes on in another process', async () => {
      const [a, b] = pair(at)
      const child = start(fixture('channel-peer.js'), ['echo'], { handles: [b] })
      for (let i = 0; i < 100; i++) {
        const message = Buffer.alloc((i * 97) % 6000, i)
        const sending = a.send(message)
        assert.ok(message.equals(await a.recv()), `message ${i}`)
        await sending
      }
      a.close()
      await child.succeeded()
    })

    test('tells of positions that cannot be', async () => {
      for (const tail of [at + PAGE + 8, at - 8, at + 4, at + 2 ** 31]) {
        const [a, b] = pair(at)
        a.trySend('')
        await b.recv()
        const { outgoing } = /** @type {any} */ (coreOf(a))
        outgoing.publish((outgoing.tail + tail - at) | 0)
        await assert.rejects(b.recv(), corrupt, `a tail at ${tail}`)
      }
      for (const head of [at + 2008, at - 8, at + 2 ** 31]) {
        const [a, b] = pair(at)
        a.trySend(Buffer.alloc(992))
        a.trySend(Buffer.alloc(992))
        assert.equal(b.trySend(''), true)
        const { incoming } = /** @type {any} */ (coreOf(b))
        Atomics.store(incoming.words, incoming.at + 16, head | 0)
        await assert.rejects(a.flush(), corrupt, `a head at ${head}`)
      }
    })
  })
}
