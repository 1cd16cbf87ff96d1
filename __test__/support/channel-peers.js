/**
 * What holds between a Channel and a program in another language that knows the format. The program is told what to do by
 * its first words: see core/examples/channel_peer.rs.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Channel, ChannelListener, pipe } from '../../index.js'
import { STARTS } from './channel-starts.js'
import { fixture, start } from './child.js'
import { inside } from './inside.js'
import { Plan } from './plan.js'
import { descriptors } from './state.js'

const { coreOf } = inside['handle.js']

/** @typedef {import('../../index.js').Handle} Handle */

const CHECKSUM = 4

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {() => string[]} command the program, and the words before those of the test
 * @property {number} count how many messages go each way; of larger ones fewer
 * @property {boolean} rendezvous whether it has the capacity 0
 */

/** @param {Peer} peer */
export function talksTheFormat({ name, command, count, rendezvous }) {
  /** @type {Handle[]} */
  const made = []
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-channel-'))
  after(() => {
    for (const handle of made) handle.close()
    rmSync(folder, { recursive: true })
  })
  let addresses = 0
  const address = () => join(folder, `${++addresses}.sock`)

  /** @param {(string | number)[]} words @param {number[]} [inherit] */
  const run = (words, inherit = []) => {
    const [program, ...before] = command()
    const [first, ...rest] = [...before, ...words.map(String)]
    return start(first, rest, { command: program, inherit, patience: 120_000 + count / 10 })
  }

  /** A channel whose other end the program has inherited. @param {string} how @param {(string | number)[]} [words] @param {any} [options] */
  const inherited = (how, words = [], options = undefined) => {
    const [channel, theirs] = /** @type {Channel<any>[]} */ (Channel.pair(options))
    const child = run([how, 3, ...words], [theirs.fd])
    theirs.close()
    made.push(channel)
    return { channel, child }
  }

  /** One to which the program has connected. @param {string} how @param {(string | number)[]} [words] @param {any} [options] */
  const connected = async (how, words = [], options = undefined) => {
    const listener = ChannelListener.listen(address(), options)
    made.push(listener)
    const child = run([how, listener.address, ...words])
    const channel = await listener.accept({ timeout: 20_000 })
    made.push(channel)
    return { channel, child }
  }

  const kinds = { 'without a checksum': {}, 'with a checksum': { checksum: true } }
  for (const [kind, options] of Object.entries(kinds)) {
    test(`${name} gives back messages of any size, ${kind}`, { timeout: 60_000 }, async () => {
      const { channel, child } = inherited('echo', [], { ...options, capacity: 65_536 })
      for (const size of [0, 1, 7, 8, 9, 4096, 16_376, 16_377, 32_760, 32_761, 65_536, 262_145, 1_000_003]) {
        const message = Buffer.alloc(size, `${size}.`)
        const sending = channel.send(message)
        assert.ok(message.equals(await channel.recv({ timeout: 20_000 })), `${size} bytes`)
        await sending
      }
      channel.close()
      await child.succeeded()
    })

    const runs = /** @type {[number, number[], number][]} */ ([
      [count, [0, 4, 60, 1000], 1 << 20],
      [Math.ceil(count / 50), [4, 65_532, 3000], 4096],
      [Math.ceil(count / 200), [65_532, 200_000], 1 << 20],
    ])
    for (const [number, sizes, capacity] of runs.filter(([number]) => number >= 20)) {
      const what = `${number} messages of ${sizes.map((size) => size + 4)} bytes through ${capacity}, ${kind}`
      const timeout = 60_000 + number / 10

      test(`${name} sends ${what}`, { timeout }, async () => {
        const plan = new Plan(number, sizes)
        const { channel, child } = await connected('count', plan.words, { ...options, capacity })
        let next = 0
        for (let messages = await channel.recvMany(); messages.length > 0; messages = await channel.recvMany()) {
          for (const message of messages) assert.ok(plan.message(next).equals(message), `message ${next++}`)
        }
        assert.equal(next, number)
        await child.succeeded()
      })

      test(`${name} receives ${what}`, { timeout }, async () => {
        const plan = new Plan(number, sizes)
        const { channel, child } = inherited('verify', plan.words, { ...options, capacity })
        for (let next = 0; next < number; next++) await channel.send(plan.message(next))
        assert.equal(String(await channel.recv()), 'all')
        assert.equal(await channel.recv(), null)
        await child.succeeded()
      })
    }
  }

  for (const at of STARTS.slice(0, 2)) {
    test(`${name} makes a channel whose positions begin at ${at}`, { timeout: 30_000 }, async () => {
      for (const flags of [0, CHECKSUM]) {
        const where = address()
        const child = run(['listen', where, at, STARTS[0] + STARTS[1] - at, 4096, flags])
        await child.says('listens')
        const channel = await Channel.connect(where)
        made.push(channel)
        for (let i = 0; i < 200; i++) {
          const message = Buffer.alloc((i * 97) % 6000, i)
          const sending = channel.send(message)
          assert.ok(message.equals(await channel.recv()), `message ${i}`)
          await sending
        }
        channel.close()
        await child.succeeded()
      }
    })
  }

  if (rendezvous) {
    test(`${name} takes what is offered, and offers`, { timeout: 20_000 }, async () => {
      const { channel, child } = inherited('echo', [], { capacity: 0 })
      for (let i = 0; i < 500; i++) {
        const message = Buffer.alloc(i % 50 === 0 ? 100_000 : i, i)
        await channel.send(message)
        assert.ok(message.equals(await channel.recv()), `message ${i}`)
      }
      await assert.rejects(channel.recv({ timeout: 5 }), { code: 'ETIMEDOUT' })
      channel.close()
      await child.succeeded()
    })
  }

  test(`${name} gets the descriptors of handles, of more messages than may be on their way`, async () => {
    const before = descriptors()
    const { channel, child } = inherited('echo')
    const { reader, writer } = pipe()
    const sending = []
    for (let i = 0; i < 100; i++) sending.push(channel.send(String(i), { handles: [writer.dup()] }))
    writer.close()
    for (let i = 0; i < 100; i++) assert.equal(String(await channel.recv()), String(i))
    await Promise.all(sending)
    channel.close()
    await child.succeeded()
    let text = ''
    for (let data = await reader.recv(); data !== null; data = await reader.recv()) text += data
    assert.equal(text, `from ${name}`.repeat(100))
    reader.close()
    assert.deepEqual(descriptors(), before)
  })

  test(`${name}, killed, has died: after what it sent`, async () => {
    const { channel, child } = inherited('idle')
    assert.equal(String(await channel.recv()), 'here')
    const waiting = assert.rejects(channel.recv(), { code: 'ERR_IPC_PEER_DIED' })
    const full = assert.rejects(
      async () => {
        for (;;) await channel.send(Buffer.alloc(100_000))
      },
      { code: 'ERR_IPC_PEER_DIED' },
    )
    await child.kill()
    await Promise.all([waiting, full])
  })

  test(`${name} learns that a process was killed`, async () => {
    const [one, other] = Channel.pair()
    const child = run(['echo', 3], [other.fd])
    const victim = start(fixture('channel-peer.js'), ['wait'], { handles: [one] })
    other.close()
    await victim.says('waits')
    await victim.kill()
    const { code, signal } = await child.outcome
    assert.deepEqual([code, signal], [3, null])
  })

  test(`${name} believes nothing: what cannot be is the end of the channel`, async () => {
    /** @type {((outgoing: any) => void)[]} */
    const attacks = [
      (outgoing) => outgoing.publish((outgoing.tail + outgoing.capacity + 8) | 0),
      (outgoing) => outgoing.publish((outgoing.tail + 4) | 0),
      (outgoing) => outgoing.putRecord(9, Buffer.alloc(8)),
      (outgoing) => outgoing.putRecord(2, Buffer.alloc(8)),
      (outgoing) => outgoing.announce(-1),
    ]
    for (const attack of attacks) {
      const { channel, child } = inherited('echo')
      await channel.send('x')
      await channel.recv()
      attack(/** @type {any} */ (coreOf(channel)).outgoing)
      const { code, signal } = await child.outcome
      assert.deepEqual([code, signal], [4, null], String(attack))
      channel.close()
    }
  })
}
