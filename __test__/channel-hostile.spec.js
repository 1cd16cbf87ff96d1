/** Channels whose other side is an enemy, and programs that do what they should not. */
import assert from 'node:assert/strict'
import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Channel, pipe, SharedMemory } from '../index.js'
import native from '../lib/load.js'
import { plainBuild, sanitizedBuild } from './support/builds.js'
import { meetEnemy } from './support/hostile.js'
import { inside as ofPackage } from './support/inside.js'
import { descriptors } from './support/state.js'
import { keep, keepAll, undoAfter } from './support/undo.js'

const { coreOf } = ofPackage['handle.js']

/** @typedef {import('../index.js').Handle} Handle */

/** The builds of the addon under which a victim runs; the one that notices more has the minute that CI takes for this. */
const builds = [
  [...plainBuild, 5],
  [...sanitizedBuild(), 60],
]

undoAfter()

/** @param {any} [options] */
const pair = (options) => keepAll(/** @type {[Channel<any>, Channel<any>]} */ (Channel.pair(options)))

/** @param {Channel<any>} channel @returns {any} */
const inside = (channel) => {
  const core = /** @type {any} */ (coreOf(channel))
  core.ready()
  return core
}

const corrupt = { code: 'ERR_IPC_CORRUPT' }

/** Takes the memory from a buffer, where the runtime lets a program do that with memory that is not its own. @param {any} buffer */
function detach(buffer) {
  if (buffer.transfer !== undefined) buffer.transfer()
  else structuredClone(buffer, { transfer: [buffer] })
}

/** @param {string} code */
const coded = (code) => ({ code })

/** An end that does what it wants, and its victim. @param {any} [options] */
function enemies(options) {
  const [enemy, victim] = pair(options)
  const { outgoing, incoming, control } = inside(enemy)
  inside(victim)
  return { enemy, victim, outgoing, incoming, control }
}

/** Writes a record as it stands, with any first word. @param {any} outgoing @param {number} word @param {number[]} words @param {number} size */
function record(outgoing, word, words, size) {
  const at = (outgoing.tail & outgoing.mask) >> 2
  outgoing.int32[at] = word
  for (const [index, value] of words.entries()) outgoing.int32[at + 2 + index] = value
  outgoing.publish((outgoing.tail + size) | 0)
}

const [WHOLE, START, PIECE, ABORT, HANDLES] = [0, 1, 2, 3, 4].map((kind) => kind << 28)

/** What an enemy writes, of which each is the end of the channel. @type {Record<string, (outgoing: any, victim: any) => void>} */
const attacks = {
  'a tail that runs ahead': (outgoing) => outgoing.publish((outgoing.tail + outgoing.capacity + 8) | 0),
  'a tail that goes back': (outgoing) => outgoing.publish((outgoing.tail - 8) | 0),
  'a tail that is not aligned': (outgoing) => outgoing.publish((outgoing.tail + 4) | 0),
  'a tail at the other end of all numbers': (outgoing) => outgoing.publish((outgoing.tail + 0x80000000) | 0),
  'a length beyond what was sent': (outgoing) => record(outgoing, WHOLE | 1000, [], 16),
  'the greatest length': (outgoing) => record(outgoing, WHOLE | 0x0fffffff, [], 16),
  'a length beyond the limit': (outgoing) => record(outgoing, WHOLE | 70_000, [], 70_008),
  ...Object.fromEntries(
    [6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((kind) => [
      `a record of the kind ${kind}`,
      (/** @type {any} */ outgoing) => record(outgoing, kind << 28, [], 8),
    ]),
  ),
  'a piece of no message': (outgoing) => record(outgoing, PIECE | 8, [], 16),
  'the end of no message': (outgoing) => record(outgoing, ABORT, [], 8),
  'a start of no length': (outgoing) => record(outgoing, START, [], 8),
  'a message of nothing in pieces': (outgoing) => record(outgoing, START | 8, [0, 0], 16),
  'a message of a negative length': (outgoing) => record(outgoing, START | 8, [-1, 0], 16),
  'a message in pieces beyond the limit': (outgoing) => record(outgoing, START | 8, [65_537, 0], 16),
  'a message in a message': (outgoing) => {
    record(outgoing, START | 8, [1000, 0], 16)
    record(outgoing, WHOLE | 8, [], 16)
  },
  'a start in a message': (outgoing) => {
    record(outgoing, START | 8, [1000, 0], 16)
    record(outgoing, START | 8, [1000, 0], 16)
  },
  'more pieces than were announced': (outgoing) => {
    record(outgoing, START | 8, [16, 0], 16)
    record(outgoing, PIECE | 24, [], 32)
  },
  'a piece of nothing': (outgoing) => {
    record(outgoing, START | 8, [16, 0], 16)
    record(outgoing, PIECE, [], 8)
  },
  'handles of a message that is not there, twice': (outgoing) => {
    record(outgoing, HANDLES | 8, [1, 1], 16)
    record(outgoing, HANDLES | 8, [2, 1], 16)
  },
  'handles that were never sent': (outgoing) => {
    record(outgoing, HANDLES | 8, [77, 1], 16)
    record(outgoing, WHOLE | 8, [], 16)
  },
  'handles of another length': (outgoing) => record(outgoing, HANDLES | 16, [1, 1, 1, 1], 24),
  'a record of an unknown kind': (outgoing) => record(outgoing, (5 << 28) | 16, [1, 0, 100, 0], 24),
}

describe('an enemy that writes', () => {
  const ways = /** @type {Record<string, (victim: any) => Promise<unknown>>} */ ({
    recv: (victim) => victim.recv(),
    tryRecv: async (victim) => victim.tryRecv(),
    recvSync: async (victim) => victim.recvSync({ timeout: 1000 }),
    recvMany: (victim) => victim.recvMany(),
    recvEnvelope: (victim) => victim.recvEnvelope(),
    recvInto: (victim) => victim.recvInto(Buffer.alloc(1000)),
    borrow: (victim) => victim.borrow(),
    iterate: (victim) => victim[Symbol.asyncIterator]().next(),
  })
  for (const [name, attack] of Object.entries(attacks)) {
    test(`${name} is told of, whoever receives, and ends the channel`, async () => {
      for (const [way, receive] of Object.entries(ways)) {
        for (const waits of ['recv', 'recvMany', 'recvInto'].includes(way) ? [false, true] : [false]) {
          const { enemy, victim, outgoing } = enemies({ maxMessageSize: 65_536 })
          const waiting = waits ? receive(victim) : undefined
          attack(outgoing, victim)
          await assert.rejects(waiting ?? receive(victim), corrupt, way)
          for (const again of Object.values(ways)) await assert.rejects(again(victim), corrupt, way)
          await assert.rejects(victim.send('x'), corrupt)
          assert.throws(() => victim.trySend('x'), corrupt)
          assert.throws(() => victim.sendSync('x'), corrupt)
          await assert.rejects(victim.flush(), corrupt)
          assert.equal(victim.closed, false)
          victim.close()
          enemy.close()
        }
      }
    })
  }

  for (const [name, head] of /** @type {[string, (tail: number) => number][]} */ ([
    ['ahead', (tail) => tail + 8],
    ['behind', (tail) => tail - 2 ** 21],
    ['far away', (tail) => tail ^ 0x80000000],
  ])) {
    test(`that it has taken what was never sent (${name}) is told of to whoever sends`, async () => {
      for (const how of ['send', 'trySend', 'sendSync', 'flush', 'reserve']) {
        const { victim, incoming } = enemies({ capacity: 4096 })
        for (let i = 0; i < 4; i++) victim.trySend(Buffer.alloc(900))
        const { words, at } = incoming
        Atomics.store(words, at + 16, head(Atomics.load(words, at)) | 0)
        const attempt = async () => {
          if (how === 'send') return victim.send(Buffer.alloc(900))
          if (how === 'flush') return victim.flush()
          if (how === 'reserve') return victim.reserve(1000)
          return victim[how](Buffer.alloc(900), how === 'sendSync' ? { timeout: 1000 } : undefined)
        }
        await assert.rejects(attempt(), corrupt, how)
        await assert.rejects(victim.recv(), corrupt)
        victim.close()
      }
    })
  }

  test('a rendezvous that offers nothing, or what was never offered, does not keep anybody busy', async () => {
    const one = enemies({ capacity: 0 })
    const waiting = one.victim.recv()
    one.outgoing.offer()
    await assert.rejects(waiting, corrupt)
    const other = enemies({ capacity: 0 })
    const sending = other.victim.send('x')
    Atomics.store(other.incoming.words, other.incoming.at + 64, 77)
    Atomics.store(other.incoming.words, other.incoming.at + 48, 0)
    other.incoming.ring()
    await assert.rejects(sending, corrupt)
  })

  test('messages that are given up without end keeps nobody busy', async () => {
    const { victim, enemy } = enemies({ capacity: 4096 })
    const { incoming } = inside(victim)
    const { load } = Atomics
    let looks = 0
    // What another process would do meanwhile: there is always one more that has begun and is not coming.
    Atomics.load = /** @type {any} */ (
      (/** @type {any} */ words, /** @type {number} */ at) => {
        if (at !== incoming.at || words !== incoming.words || looks++ > 1e6) return load(words, at)
        incoming.int32.set([START | 8, 0, 1000, 0, ABORT, 0], (incoming.head & incoming.mask) >> 2)
        return (incoming.head + 24) | 0
      }
    )
    try {
      const waiting = victim.recv()
      await assert.rejects(waiting, corrupt)
    } finally {
      Atomics.load = load
    }
    assert.ok(looks < 10_000)
    enemy.close()
  })

  describe('a message in pieces of a byte each', () => {
    const LENGTH = 60_000
    const crumbs = () => {
      const made = enemies()
      record(made.outgoing, START | 8, [LENGTH, 0], 16)
      for (let i = 0; i < LENGTH; i++) record(made.outgoing, PIECE | 1, [i & 127], 16)
      return made
    }
    const whole = Buffer.from(Array.from({ length: LENGTH }, (_, i) => i & 127))
    /** @param {Promise<any>} promise */
    const turnsOf = async (promise) => {
      let [turns, over] = [0, false]
      const done = promise.finally(() => {
        over = true
      })
      for (; !over; turns++) await nextTurn()
      return { turns, result: await done }
    }

    for (const [way, receive] of /** @type {[string, (victim: any) => Promise<Buffer>][]} */ ([
      ['recv', (victim) => victim.recv()],
      ['recvInto', into],
      ['borrow', async (victim) => Buffer.from((await victim.borrow()).bytes)],
    ])) {
      test(`is put together in many turns of the loop (${way}), also when its sender has gone`, async () => {
        for (const gone of [false, true]) {
          const { enemy, victim } = crumbs()
          if (gone) enemy.close()
          const { turns, result } = await turnsOf(receive(victim))
          assert.ok(whole.equals(result))
          assert.ok(turns > 20, `${turns} turns`)
          victim.close()
          enemy.close()
        }
      })
    }

    /** @param {any} victim */
    async function into(victim) {
      const target = Buffer.alloc(LENGTH)
      assert.equal(await victim.recvInto(target), LENGTH)
      return target
    }

    test('is received by a blocking call at once, and by tryRecv once it is whole', () => {
      const one = crumbs()
      const began = performance.now()
      assert.ok(whole.equals(one.victim.recvSync()))
      assert.ok(performance.now() - began < 2_000)
      const other = crumbs()
      other.enemy.close()
      let [message, looks] = [undefined, 0]
      for (; message === undefined; looks++) message = other.victim.tryRecv()
      assert.ok(whole.equals(/** @type {any} */ (message)))
      assert.ok(looks > 20)
      assert.equal(other.victim.recvSync({ timeout: 1_000 }), null)
    })
  })

  test('handles for which there is no message end the channel, and leave no descriptor', async () => {
    const before = descriptors()
    const { enemy, victim, control } = enemies()
    const { reader, writer } = pipe()
    const waiting = victim.recv()
    for (let sequence = 1; sequence <= 65; sequence++) {
      control.send('X', { sequence, handles: [{ kind: 'pipe-reader', fds: 1, meta: {} }] }, [reader.fd])
    }
    await assert.rejects(waiting, corrupt)
    for (const handle of [enemy, victim, reader, writer]) handle.close()
    assert.deepEqual(descriptors(), before)
  })

  test('that somebody else is at its end keeps nobody from closing it', async () => {
    const [enemy, victim] = pair()
    const { incoming } = inside(enemy)
    Atomics.store(incoming.words, 32, 1)
    victim.close()
    assert.equal(await enemy.recv(), null)
    enemy.close()
  })

  const frames = ['', 'X', 'X{', 'Xnull', 'X[', 'H5', '\u0000', 'x'.repeat(60_000)]
  // Numbers that are none, but for who asks them for one.
  const said = ['null', '"1"', '-1', '1.5', '{"toString":1,"valueOf":1}', `${'['.repeat(20_000)}${']'.repeat(20_000)}`]
  for (const frame of [
    ...frames,
    ...said.flatMap((number) => [`X{"sequence":${number}}`, `D{"sequence":${number}}`]),
  ]) {
    test(`a frame that is none (${JSON.stringify(frame.slice(0, 30))}) ends the channel`, async () => {
      const { victim, control } = enemies()
      const waiting = victim.recv()
      const { default: native } = await import('../lib/load.js')
      native.controlSend(control.id, frame, [])
      await assert.rejects(waiting, corrupt)
    })
  }

  test('rubbish directly after its hello is that, and no other user', async () => {
    const [enemy, victim] = pair({ codec: 'structured' })
    const { control } = inside(enemy)
    const { default: native } = await import('../lib/load.js')
    native.controlSend(control.id, 'Q', [])
    await assert.rejects(victim.recv(), corrupt)
    enemy.close()
  })

  test('a refusal that is none is one', async () => {
    const { enemy, victim, control } = enemies()
    const { default: native } = await import('../lib/load.js')
    native.controlSend(control.id, 'E{"code":{"toString":1,"valueOf":1},"message":{"toString":1}}', [])
    await enemy.send('x')
    assert.equal(String(await victim.recv()), 'x')
  })

  test('frames with descriptors that nobody wants leave none', async () => {
    const { enemy, victim, control } = enemies()
    const { reader, writer } = pipe()
    await enemy.send('hello')
    await victim.recv()
    const before = descriptors()
    for (const letter of ['H', 'E', 'D', 'Z']) {
      for (let i = 0; i < 50; i++) {
        assert.ok(control.send(letter, { sequence: 1 }, [reader.fd, writer.fd, reader.fd]))
        assert.notEqual(victim.peer, null)
      }
    }
    assert.deepEqual(descriptors(), before)
    for (const handle of [reader, writer]) handle.close()
  })

  for (const [name, described] of Object.entries({
    'nothing at all': [null],
    'an end of a channel without its descriptors': [{ kind: 'channel', fds: 1, meta: { side: 0 } }],
    'an end of a channel that is none': [{ kind: 'channel', fds: 4, meta: { side: 'x' } }],
    'more descriptors than came': [{ kind: 'pipe-reader', fds: 100, meta: {} }],
    'a part of a descriptor': [{ kind: 'pipe-reader', fds: 0.5, meta: {} }],
    'no descriptor': [{ kind: 'pipe-reader', fds: 0, meta: {} }],
    'another kind': [{ kind: 'pipe-writer', fds: 1, meta: {} }],
    'an unknown kind': [{ kind: 'constructor', fds: 1, meta: null }],
    'a kind that has words of its own': [{ kind: { toString: 1, valueOf: 1 }, fds: 0, meta: {} }],
    'a name that is none': [{ kind: 'posix-semaphore', fds: 0, meta: { name: { toString: 1 }, identity: 5 } }],
    'a process of no number': [{ kind: 'process', fds: 1, meta: { pid: { valueOf: 1 }, startTime: 'x' } }],
    'the wrong second one': [
      { kind: 'pipe-reader', fds: 1, meta: {} },
      { kind: 'unix-socket', fds: 1, meta: {} },
    ],
  })) {
    test(`handles that are not what they say (${name}) are an error with a code, and leave no descriptor`, async () => {
      const { enemy, victim, control, outgoing } = enemies()
      const { reader, writer } = pipe()
      await enemy.send('hello')
      await victim.recv()
      const before = descriptors()
      control.send('X', { sequence: 9, handles: described }, [reader.fd, reader.fd, reader.fd, reader.fd])
      record(outgoing, HANDLES | 8, [9, 1], 16)
      record(outgoing, WHOLE | 8, [], 16)
      const envelope = await victim.recvEnvelope()
      assert.throws(
        () => envelope?.takeHandles(),
        (error) => typeof (/** @type {any} */ (error).code) === 'string',
      )
      assert.deepEqual(descriptors(), before)
      for (const handle of [reader, writer]) handle.close()
    })
  }

  test('a bell that nobody can ring any more leaves whoever blocks asleep', () => {
    const [enemy, victim] = pair()
    inside(victim)
    native.channelLeave(inside(enemy).id)
    const before = process.cpuUsage()
    assert.throws(() => victim.recvSync({ timeout: 400 }), coded('ETIMEDOUT'))
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 60_000, `${(user + system) / 1000} ms`)
  })

  test('bells without a reason cost little, and the loop stays alive', async () => {
    const { victim, outgoing } = enemies()
    const waiting = victim.recv()
    let turns = 0
    // Of this process, since others may have the processor.
    const before = process.cpuUsage()
    for (let used = 0; used < 200_000; ) {
      const { user, system } = process.cpuUsage(before)
      used = user + system
      for (let i = 0; i < 100; i++) outgoing.ring()
      await nextTurn()
      turns++
    }
    assert.ok(turns > 20, `${turns} turns`)
    outgoing.put(Buffer.from('at last'))
    assert.equal(String(await waiting), 'at last')
  })

  for (const [way, env, skip, most] of builds) {
    const seconds = Number(process.env.OS_IPC_HOSTILE_SECONDS ?? (process.env.CI ? most : 2))
    test(`random words over everything, while the other side sends and receives, is ERR_IPC_CORRUPT${way}`, {
      skip,
      timeout: 60_000 + seconds * 1000,
    }, async () => {
      await meetEnemy(seconds, Math.floor(Math.random() * 0x1_0000_0000), env)
    })
  }
})

describe('a program that does what it should not', () => {
  test('a method called upon another object is an error with a code, and never reaches a channel', async () => {
    const { prototype } = Channel
    const { reader, writer } = pipe()
    keepAll([reader, writer])
    const [a] = pair()
    for (const other of [{}, null, undefined, 1, reader, prototype, Object.create(a), new Proxy(a, {})]) {
      for (const key of Reflect.ownKeys(prototype)) {
        if (key === 'constructor' || key === 'dup' || key === 'port') continue
        const { get, value } = /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, key))
        const call = async () => (get ?? value).call(other, 'x')
        await assert.rejects(call, { name: 'TypeError', code: 'ERR_INVALID_THIS' }, String(key))
      }
    }
  })

  test('closing it in what a message is made of is ERR_IPC_CLOSED', async () => {
    for (const how of ['send', 'trySend', 'sendSync']) {
      const [a] = pair({ codec: 'json' })
      const message = {
        toJSON() {
          a.close()
          return 1
        },
      }
      await assert.rejects(async () => /** @type {any} */ (a)[how](message), coded('ERR_IPC_CLOSED'), how)
    }
  })

  test('closing it in what a signal says of itself is ERR_IPC_CLOSED, however often that is asked', async () => {
    /** @type {Record<string, (channel: any, options: any) => Promise<unknown>>} */
    const ways = {
      send: (channel, options) => channel.send('x', options),
      pieces: (channel, options) => channel.send(Buffer.alloc(9000), options),
      reserve: (channel, options) => channel.reserve(10, options),
      flush: (channel, options) => channel.flush(options),
      recv: (channel, options) => channel.recv(options),
      recvMany: (channel, options) => channel.recvMany(options),
      recvInto: (channel, options) => channel.recvInto(Buffer.alloc(10), options),
      recvEnvelope: (channel, options) => channel.recvEnvelope(options),
      borrow: (channel, options) => channel.borrow(options),
    }
    for (const [name, way] of Object.entries(ways)) {
      for (const messages of [0, 2]) {
        for (let asks = 1; asks < 4; asks++) {
          const [a, b] = pair({ capacity: 4096 })
          for (let i = 0; i < messages; i++) b.trySend('y')
          const { signal } = new AbortController()
          let left = asks
          const closes = () => {
            if (--left === 0) a.close()
            return false
          }
          Object.defineProperty(signal, 'aborted', { get: closes })
          const code = await way(a, { signal, timeout: 1 }).then(
            () => 'none',
            (error) => error.code,
          )
          // The last one may be asked when all is over, or not at all.
          const expected = asks === 1 ? ['ERR_IPC_CLOSED'] : ['ERR_IPC_CLOSED', 'ETIMEDOUT', 'none']
          assert.ok(expected.includes(code), `${name}: ${code}`)
          a.close()
          b.close()
        }
      }
    }
  })

  test('closing it where its opening is told of is ERR_IPC_CLOSED', async () => {
    const opened = diagnosticsChannel('os-ipc:channel:open')
    const [a] = pair()
    const close = () => a.close()
    opened.subscribe(close)
    try {
      await assert.rejects(a.recv(), coded('ERR_IPC_CLOSED'))
    } finally {
      opened.unsubscribe(close)
    }
  })

  test('a message that lies about its length is what it is', async () => {
    const [a, b] = pair({ capacity: 4096 })
    for (const lie of [0, 1, 10, 5000, -1, Number.NaN, 2 ** 40, 'x']) {
      const message = Object.defineProperty(Buffer.from('truth'), 'byteLength', { value: lie })
      await a.send(message)
      assert.equal(String(await b.recv()), 'truth', String(lie))
    }
  })

  test('a reservation whose bytes are exchanged, or transferred, sends no more than was reserved', async () => {
    for (const checksum of [false, true]) {
      const [a, b] = pair({ capacity: 4096, checksum })
      const one = await a.reserve(8)
      one.bytes.fill(1)
      one.bytes = Buffer.alloc(100_000)
      one.commit()
      assert.deepEqual(await b.recv(), Buffer.alloc(8, 1))
      const other = await a.reserve(8)
      detach(other.bytes.buffer)
      other.commit(8)
      assert.equal((await b.recv()).length, 8)
      await a.send('goes on')
      assert.equal(String(await b.recv()), 'goes on')
    }
  })

  test('closing it with a reservation and a borrowed message open', async () => {
    const [a, b] = pair()
    const reservation = await a.reserve(100)
    const behind = a.send('x')
    a.close()
    await assert.rejects(behind, coded('ERR_IPC_CLOSED'))
    assert.throws(() => reservation.commit(), coded('ERR_IPC_CLOSED'))
    reservation.cancel()
    assert.equal(await b.recv(), null)
    const [c, d] = pair()
    await c.send('lent')
    const borrowed = await d.borrow()
    d.close()
    assert.equal(borrowed?.bytes.length, 0)
    borrowed?.release()
  })

  test('a reservation is over when the other side has broken the format, and ends nobody’s wait for ever', async () => {
    const { enemy, victim, outgoing } = enemies()
    const reservation = await victim.reserve(100)
    const behind = victim.send('x')
    attacks['a record of the kind 9'](outgoing, victim)
    await assert.rejects(victim.recv(), corrupt)
    await assert.rejects(behind, corrupt)
    assert.throws(() => reservation.commit(), corrupt)
    reservation.cancel()
    victim.close()
    enemy.close()
  })

  test('after the format was broken the number is its own until it is closed', async () => {
    const { victim, outgoing } = enemies()
    const { fd } = victim
    attacks['a record of the kind 9'](outgoing, victim)
    await assert.rejects(victim.recv(), corrupt)
    const { reader, writer } = pipe()
    keepAll([reader, writer])
    assert.ok(reader.fd !== fd && writer.fd !== fd)
    victim.close()
    writer.trySend('untouched')
    assert.equal(String(reader.tryRecv()), 'untouched')
  })

  test('a handle that moves cannot be sent twice in one message', async () => {
    const [a] = pair()
    const [, d] = pair()
    await assert.rejects(a.send('x', { handles: [d, d] }), coded('ERR_INVALID_ARG_VALUE'))
    assert.equal(d.closed, false)
  })

  test('a handle that is closed while its message waits: one that is shared goes, one that moves is ERR_IPC_CLOSED', async () => {
    const [a, b] = pair({ capacity: 4096 })
    while (a.trySend(Buffer.alloc(500)));
    const memory = SharedMemory.create(64)
    memory.write(Buffer.from('here'), 0)
    const shared = a.send('shared', { handles: [memory] })
    const { reader, writer } = pipe()
    const moves = a.send('moves', { handles: [reader] })
    const behind = a.send('behind')
    memory.close()
    reader.close()
    writer.close()
    const refused = assert.rejects(moves, coded('ERR_IPC_CLOSED'))
    let envelope = await b.recvEnvelope()
    while (envelope?.message.length === 500) envelope = await b.recvEnvelope()
    await Promise.all([shared, refused])
    const [copy] = /** @type {SharedMemory[]} */ (envelope?.takeHandles() ?? [])
    assert.equal(String(copy.read(0, 4)), 'here')
    copy.close()
    assert.equal(String(await b.recv()), 'behind')
    await behind
  })

  test('the handles of a message that was given up half-way are not those of the next one', async () => {
    const [a, b] = pair({ capacity: 4096 })
    const before = descriptors()
    const { reader, writer } = pipe()
    const memory = SharedMemory.create(64)
    await assert.rejects(a.send(Buffer.alloc(100_000), { handles: [memory], timeout: 20 }), coded('ETIMEDOUT'))
    const next = a.send('next')
    const other = a.send('with another', { handles: [reader] })
    const envelope = await b.recvEnvelope()
    assert.equal(String(envelope?.message), 'next')
    assert.deepEqual(envelope?.takeHandles(), [])
    const second = await b.recvEnvelope()
    assert.equal(second?.takeHandles().length, 1)
    await Promise.all([next, other])
    for (const handle of [...(second?.takeHandles() ?? []), writer, memory]) handle.close()
    assert.deepEqual(descriptors(), before)
  })

  test('1,000 messages with handles can wait to be taken', async () => {
    const [a, b] = pair()
    const memory = SharedMemory.create(64)
    keep(memory)
    const sending = Promise.all(Array.from({ length: 1_000 }, (_, i) => a.send(String(i), { handles: [memory] })))
    await sleep(10)
    for (let i = 0; i < 1_000; i++) {
      const envelope = await b.recvEnvelope()
      assert.equal(String(envelope?.message), String(i))
      const [copy] = /** @type {Handle[]} */ (envelope?.takeHandles() ?? [])
      assert.ok(copy instanceof SharedMemory)
      copy.close()
    }
    await sending
  })

  test('disposing of it closes it in any case, and again does nothing', async () => {
    const { enemy, victim, outgoing } = enemies()
    attacks['a record of the kind 9'](outgoing, victim)
    await assert.rejects(victim.recv(), corrupt)
    const dispose = /** @type {any} */ (Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose'))
    await assert.rejects(/** @type {any} */ (victim)[dispose](), corrupt)
    assert.equal(victim.closed, true)
    await /** @type {any} */ (victim)[dispose]()
    enemy.close()
  })

  test('whoever only looks now and then (timeout 0) learns of the end', async () => {
    const [a, b] = pair()
    await a.send('last')
    await b.recv()
    a.close()
    assert.equal(b.recvSync({ timeout: 0 }), null)
  })
})
