/** Channels where each message rings a bell, thousands of times: what is rung is not emptied each time, and never full. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Channel, pipe } from '../index.js'
import native from '../lib/load.js'
import { fixture, start } from './support/child.js'
import { inside } from './support/inside.js'
import { keepAll, undoAfterEach } from './support/undo.js'

const { Patience } = inside['channel/patience.js']
const { Spin } = inside['channel/spin.js']
const { coreOf } = inside['handle.js']

/** More than a page of a bell has room for, and twice that more than a bell has. */
const MANY = 5000
const message = Buffer.alloc(64, 7)

undoAfterEach()

describe('a bell that rings for each message', { timeout: 30_000 }, () => {
  const { lasts } = Patience.prototype
  const { until } = Spin.prototype
  before(() => {
    // Whoever waits sleeps at once.
    Patience.prototype.lasts = () => false
    Spin.prototype.until = () => false
  })
  after(() => {
    Patience.prototype.lasts = lasts
    Spin.prototype.until = until
  })

  const pair = () => keepAll(Channel.pair())

  /** @param {Channel} one @param {Channel} other @param {number} count */
  async function pass(one, other, count) {
    for (let i = 0; i < count; i++) {
      const received = other.recv()
      one.trySend(message)
      assert.equal((await received)?.length, message.length)
    }
  }

  test('wakes each receive that waits in the event loop', async () => {
    const [one, other] = pair()
    await pass(one, other, MANY)
    assert.equal(other.stats.wakeups, MANY)
  })

  test('says nothing once everything was received', async () => {
    const [one, other] = pair()
    await pass(one, other, 200)
    const waiting = other.recv()
    await turn()
    const { wakeups } = other.stats
    for (let i = 0; i < 50; i++) await turn()
    assert.equal(other.stats.wakeups, wakeups)
    one.close()
    assert.equal(await waiting, null)
  })

  test('holds up no other channel, no pipe, and nobody who comes later', async () => {
    const [one, other] = pair()
    await pass(one, other, 200)
    const [third, fourth] = pair()
    const { reader, writer } = pipe()
    keepAll([reader, writer])
    let over = false
    const busy = (async () => {
      while (!over) await pass(one, other, 1)
    })()
    for (let i = 0; i < 200; i++) {
      const received = [fourth.recv(), reader.recv()]
      third.trySend(message)
      await writer.send('x')
      await Promise.all(received)
    }
    over = true
    await busy
    await pass(third, fourth, 300)
    await pass(one, other, 300)
  })

  test('is forgotten with its channel, whose place another one takes', async () => {
    for (let i = 0; i < 3; i++) {
      const [one, other] = pair()
      await pass(one, other, 200)
      const waiting = other.recv()
      one.close()
      assert.equal(await waiting, null)
      other.close()
    }
  })

  test('wakes each receive that blocks the thread, and then one that does not', async () => {
    const [one, there] = pair()
    const child = start(fixture('channel-peer.js'), ['echoSync'], { handles: [there] })
    for (let i = 0; i < MANY; i++) {
      one.sendSync(message)
      assert.equal(one.recvSync().length, message.length)
    }
    for (let i = 0; i < 200; i++) {
      await one.send(message)
      assert.equal((await one.recv()).length, message.length)
    }
    one.sendSync(message)
    assert.equal(one.recvSync({ timeout: 10_000 }).length, message.length)
    one.sendSync(message)
    assert.equal(one.recvSync().length, message.length)
    assert.throws(() => one.recvSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
    await one.end()
    assert.equal((await child.outcome).code, 0)
  })

  test('wakes whoever waits also after it was rung without a reason, until there was no room', async () => {
    const [one, other] = pair()
    await pass(one, other, 200)
    const { id } = coreOf(one)
    const ringUntilFull = () => {
      for (let i = 0; i < 2 * MANY; i++) native.channelRing(id)
    }
    for (let i = 0; i < 3; i++) {
      ringUntilFull()
      await pass(one, other, 200)
    }
    // Who polls before he rings has to find room again.
    const isEmpty = () => !native.channelHush(coreOf(other).id)
    const waiting = other.recv()
    ringUntilFull()
    for (let i = 0; i < 3; i++) await turn()
    assert.ok(isEmpty(), 'woken in vain')
    one.trySend(message)
    await waiting
    ringUntilFull()
    assert.throws(() => other.recvSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
    assert.ok(isEmpty(), 'woken in vain while it blocked')
    const child = start(fixture('channel-peer.js'), ['echoSync'], { handles: [other] })
    for (let i = 0; i < 20; i++) {
      ringUntilFull()
      one.sendSync(message)
      assert.equal(one.recvSync({ timeout: 10_000 }).length, message.length)
    }
    await one.end()
    assert.equal((await child.outcome).code, 0)
  })

  test('wakes who blocks when the other side is killed', async () => {
    const [one, there] = pair()
    const child = start(fixture('channel-peer.js'), ['die'], { handles: [there] })
    assert.equal(one.recvSync().toString(), 'the last words')
    const began = performance.now()
    assert.throws(() => one.recvSync(), { code: 'ERR_IPC_PEER_DIED' })
    assert.ok(performance.now() - began < 5_000)
    await child.outcome
  })
})
