/**
 * Whoever connects to a listener, or listens, may be an enemy: he says what he likes, and hands over what he likes. Each is
 * an error with a code for this side, leaves no descriptor, and the next handshake succeeds. OS_IPC_ROUNDS: more mutations.
 */
import assert from 'node:assert/strict'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Channel, ChannelListener, pipe, SharedMemory, UnixListener, UnixSocket } from '../index.js'
import { Random } from './faults/harness/random.js'
import { addressesIn, newFolder } from './support/folder.js'
import { newName } from './support/memory.js'
import { descriptors, until } from './support/state.js'

const ROUNDS = Number(process.env.OS_IPC_ROUNDS ?? 150)

const folder = newFolder()
const newAddress = addressesIn(folder)

const CAPACITY = 4096
const OFFSET = 4096

/** What stands at the beginning of a channel's memory. */
const header = {
  magic: 'OSIPCCHN',
  version: 1,
  dataOffset: OFFSET,
  capacity0: CAPACITY,
  capacity1: CAPACITY,
  maxMessageSize: 65_536,
  flags: 0,
}
const SIZE = OFFSET + 2 * CAPACITY
const SEALS = /** @type {const} */ (['shrink', 'grow', 'seal'])

/**
 * A channel's memory, but for what is said otherwise.
 * @param {Partial<typeof header>} [change]
 * @param {{ size?: number, seals?: readonly any[] }} [how]
 */
function memory(change, { size = SIZE, seals = SEALS } = {}) {
  const { magic, ...words } = { ...header, ...change }
  const made = SharedMemory.create(size)
  made.write(magic, 0)
  made.write(Uint32Array.from(Object.values(words)), 8)
  if (seals.length > 0) made.seal(...seals)
  return made
}

/** The same, of a kind that has no seals. */
function unsealed() {
  const name = newName()
  const made = SharedMemory.open(name, { create: true, exclusive: true, size: SIZE })
  made.unlink()
  const good = memory()
  made.write(good.read(0, 32), 0)
  good.close()
  return made
}

/** Everything that one side of a handshake may hand over; all of it is closed at the end. */
class Box {
  /** @type {Array<() => void>} */
  #ends = []

  /** @template {{ close: () => void }} T @param {T} handle @returns {T} */
  keep(handle) {
    this.#ends.push(() => handle.close())
    return handle
  }

  /** @param {string} path @param {string} how */
  file(path, how) {
    const fd = openSync(path, how)
    this.#ends.push(() => closeSync(fd))
    return fd
  }

  /** Own bell, other's bell, as a good end has them. */
  bells() {
    const { reader, writer } = pipe()
    return [this.keep(reader).fd, this.keep(writer).fd]
  }

  close() {
    for (const end of this.#ends.splice(0)) end()
  }
}

/**
 * Connects to somebody who answers each hello with this.
 * @param {string} frame
 * @param {(box: Box) => number[]} [hands]
 * @param {(answered: Promise<Channel<any>>) => Promise<unknown>} look
 */
async function answeredWith(frame, hands = () => [], look) {
  const box = new Box()
  const address = newAddress()
  const liar = box.keep(UnixListener.listen(address, { type: 'seqpacket' }))
  try {
    const connecting = Channel.connect(address, { timeout: 5_000 })
    connecting.catch(() => {})
    const socket = box.keep(await liar.accept())
    await socket.recv()
    await socket.send(frame, { fds: hands(box) })
    return await look(connecting)
  } finally {
    box.close()
  }
}

/** @param {string} code */
const refused = (code) => (/** @type {Promise<any>} */ connecting) => assert.rejects(connecting, { code })
/** @param {Promise<any>} connecting */
const refusedSomehow = (connecting) =>
  assert.rejects(connecting, (error) => typeof (/** @type {any} */ (error).code) === 'string')

/** @param {() => Promise<unknown>} body */
async function leavesNothing(body) {
  // What is made once for all.
  await body()
  const before = descriptors()
  await body()
  await until(() => descriptors() <= before, 'its descriptors are closed')
}

describe('a listener that lies', () => {
  test('is believed where it does not', async () => {
    await leavesNothing(() =>
      answeredWith(
        'S{"side":1}',
        (box) => [box.keep(memory()).fd, ...box.bells()],
        async (connecting) => {
          const channel = await connecting
          await channel.send('x')
          channel.close()
        },
      ),
    )
  })

  /** @type {Record<string, [code: string, make: () => SharedMemory]>} */
  const memories = {
    'of another magic number': ['ERR_IPC_CORRUPT', () => memory({ magic: 'OSIPCCHM' })],
    'of nothing but zeros': ['ERR_IPC_CORRUPT', () => memory({ magic: '\0\0\0\0\0\0\0\0', version: 0 })],
    'of a later version': ['ERR_IPC_VERSION', () => memory({ version: 2 })],
    'of version 0': ['ERR_IPC_VERSION', () => memory({ version: 0 })],
    'of the other byte order': ['ERR_IPC_VERSION', () => memory({ version: 0x0100_0000 })],
    'with an unknown flag': ['ERR_IPC_VERSION', () => memory({ flags: 16 })],
    'with an unknown codec': ['ERR_IPC_VERSION', () => memory({ flags: 3 })],
    'whose rings begin in its header': ['ERR_IPC_CORRUPT', () => memory({ dataOffset: 0 })],
    'whose rings begin within a page': ['ERR_IPC_CORRUPT', () => memory({ dataOffset: 4100 })],
    'whose rings begin behind its end': ['ERR_IPC_CORRUPT', () => memory({ dataOffset: 2 ** 31 })],
    'with a ring of no bytes': ['ERR_IPC_CORRUPT', () => memory({ capacity0: 0 })],
    'with a ring that is no power of two': ['ERR_IPC_CORRUPT', () => memory({ capacity0: 12_288 }, { size: 20_480 })],
    'with a ring of less than a page': ['ERR_IPC_CORRUPT', () => memory({ capacity1: 64 })],
    'with rings larger than itself': ['ERR_IPC_CORRUPT', () => memory({ capacity0: 2 ** 30, capacity1: 2 ** 30 })],
    'with sizes that add up to itself only modulo 2^32': [
      'ERR_IPC_CORRUPT',
      () => memory({ capacity0: 2 ** 31, capacity1: 2 ** 31 }, { size: OFFSET }),
    ],
    'larger than its rings': ['ERR_IPC_CORRUPT', () => memory({}, { size: 2 * SIZE })],
    'smaller than its rings': ['ERR_IPC_CORRUPT', () => memory({}, { size: SIZE - 4096 })],
    'with messages of no bytes': ['ERR_IPC_CORRUPT', () => memory({ maxMessageSize: 0 })],
    'that can be shortened': ['ERR_IPC_CORRUPT', unsealed],
  }
  for (const [name, [code, make]] of Object.entries(memories)) {
    test(`memory ${name} is refused (${code})`, async () => {
      await leavesNothing(() =>
        answeredWith('S{"side":1}', (box) => [box.keep(make()).fd, ...box.bells()], refused(code)),
      )
    })
  }

  test('memory that cannot be written to is refused', async () => {
    const sealed = /** @type {const} */ (['write', ...SEALS])
    await leavesNothing(() =>
      answeredWith(
        'S{"side":1}',
        (box) => [box.keep(memory({}, { seals: sealed })).fd, ...box.bells()],
        refusedSomehow,
      ),
    )
  })

  const plain = join(folder, 'a file')
  writeFileSync(plain, Buffer.alloc(SIZE))
  /** Descriptors of every kind. @type {Record<string, (box: Box) => number>} */
  const kinds = {
    'a file': (box) => box.file(plain, 'r+'),
    'a folder': (box) => box.file(folder, 'r'),
    '/dev/zero': (box) => box.file('/dev/zero', 'r+'),
    '/dev/null': (box) => box.file('/dev/null', 'r+'),
    '/proc/self/mem': (box) => box.file('/proc/self/mem', 'r'),
    'a pipe to be read': (box) => box.bells()[0],
    'a pipe to be written': (box) => box.bells()[1],
    'a socket': (box) => UnixSocket.pair().map((socket) => box.keep(socket).fd)[0],
    'a listener': (box) => box.keep(UnixListener.listen(newAddress())).fd,
    'memory of its own': (box) => box.keep(SharedMemory.create(4096)).fd,
  }
  for (const [name, make] of Object.entries(kinds)) {
    test(`${name} in place of memory or of a bell is refused`, async () => {
      for (const place of [0, 1, 2]) {
        const good = name === ['', 'a pipe to be read', 'a pipe to be written'][place]
        if (good) continue
        await leavesNothing(() =>
          answeredWith(
            'S{"side":1}',
            (box) => [box.keep(memory()).fd, ...box.bells()].map((fd, index) => (index === place ? make(box) : fd)),
            refusedSomehow,
          ),
        )
      }
    })
  }

  test('too few descriptors, and too many, are refused', async () => {
    for (const count of [0, 1, 2, 4, 253]) {
      await leavesNothing(() =>
        answeredWith(
          'S{"side":1}',
          (box) => {
            const hands = [box.keep(memory()).fd, ...box.bells()]
            return Array.from({ length: count }, (_, index) => hands[index % 3])
          },
          refused('ERR_IPC_VERSION'),
        ),
      )
    }
  })

  test('one that refuses with rubbish, or hangs up, is an error', async () => {
    for (const frame of [
      'E{}',
      'E{"code":{}}',
      'E{"code":"EPERM","message":[]}',
      'E{"code":{"toString":1,"valueOf":1}}',
      'E{"code":"EPERM","message":{"toString":1,"valueOf":1}}',
      'H{"version":1}',
      '{',
      'x'.repeat(60_000),
    ]) {
      await answeredWith(frame, undefined, refusedSomehow)
    }
    const address = newAddress()
    const liar = UnixListener.listen(address, { type: 'seqpacket' })
    const connecting = Channel.connect(address)
    const ended = refused('ECONNRESET')(connecting)
    ;(await liar.accept()).close()
    await ended
    liar.close()
  })

  test(`${ROUNDS} answers that chance has changed are refused or believed, and nothing else`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const random = new Random(seed)
    const round = () =>
      answeredWith(
        mutated('S{"side":1}', random),
        (box) => {
          const change = random.chance(0.7) ? changed(random) : {}
          const hands = [box.keep(memory(change)).fd, ...box.bells()]
          if (random.chance(0.3)) random.shuffle(hands)
          return hands
        },
        async (connecting) => {
          const channel = await connecting.catch((error) => {
            assert.equal(typeof error.code, 'string', `seed ${seed}: ${error.stack}`)
          })
          if (channel === undefined) return
          // It may have whatever geometry fits the memory.
          await channel
            .send('x', { timeout: 20 })
            .catch((/** @type {any} */ { code }) => assert.ok(code, `seed ${seed}`))
          channel.close()
        },
      )
    await round()
    const before = descriptors()
    for (let i = 0; i < ROUNDS; i++) await round()
    await until(() => descriptors() <= before, `seed ${seed}: its descriptors are closed`)
  })
})

/** @param {Random} random */
function changed(random) {
  const field = random.pick(['version', 'dataOffset', 'capacity0', 'capacity1', 'maxMessageSize', 'flags'])
  const values = [
    0,
    1,
    2,
    3,
    8,
    15,
    16,
    4095,
    4096,
    8192,
    2 ** 16,
    2 ** 28,
    2 ** 30,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32 - 4096,
  ]
  return { [field]: random.chance(0.8) ? random.pick(values) : random.integer(0, 2 ** 32 - 1) }
}

/** A frame that keeps its grammar, more or less. @param {string} frame @param {Random} random */
function mutated(frame, random) {
  const bodies = ['{}', '[]', 'null', '7', '"x"', '{"version":1}', '{"version":"1"}', '{"version":1e999}', '{"side":2}']
  const more = [
    '{"side":-1}',
    '{"side":null}',
    '{"__proto__":{"version":1}}',
    '{"version":1,"codec":7}',
    '{"version":1,"codec":"json"}',
  ]
  const how = random.integer(0, 5)
  if (how === 0) return frame
  if (how === 1) return frame[0] + random.pick([...bodies, ...more])
  if (how === 2) return random.pick(['H', 'S', 'X', 'E', 'D', 'M', 'Z', '\0', '']) + frame.slice(1)
  if (how === 3) return frame.slice(0, random.integer(0, frame.length))
  if (how === 4) return frame + random.pick(['\0', '{}', frame, ' '.repeat(1000)])
  const at = random.integer(0, frame.length - 1)
  return frame.slice(0, at) + String.fromCharCode(random.integer(0, 127)) + frame.slice(at + 1)
}

describe('whoever connects and lies', () => {
  /** @param {ChannelListener} listener */
  async function works(listener) {
    const accepting = listener.accept({ timeout: 5_000 })
    const client = await Channel.connect(listener.address)
    // Somebody who was believed may stand before it.
    let server = await accepting
    await client.send('here')
    while (String(await server.recv({ timeout: 5_000 }).catch(() => null)) !== 'here') {
      server.close()
      server = await listener.accept({ timeout: 5_000 })
    }
    client.close()
    server.close()
  }

  /** @param {ChannelListener} listener @param {(socket: UnixSocket, box: Box) => Promise<unknown>} lie */
  async function told(listener, lie) {
    const box = new Box()
    const socket = box.keep(await UnixSocket.connect(listener.address, { type: 'seqpacket' }))
    try {
      await lie(socket, box)
    } finally {
      box.close()
    }
  }

  for (const [name, frame, code] of [
    ['rubbish', 'x'.repeat(100), 'ERR_IPC_VERSION'],
    ['nothing but a letter', 'H', 'ERR_IPC_VERSION'],
    ['another version', 'H{"version":2}', 'ERR_IPC_VERSION'],
    ['a version that is none', 'H{"version":"1"}', 'ERR_IPC_VERSION'],
    ['a version that has words of its own', 'H{"version":{"toString":1,"valueOf":1}}', 'ERR_IPC_VERSION'],
    ['a version nested without end', `H{"version":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'ERR_IPC_VERSION'],
    ['another codec', 'H{"version":1,"codec":"json"}', 'ERR_IPC_VERSION'],
    ['a codec that is none', 'H{"version":1,"codec":{}}', 'ERR_IPC_VERSION'],
    ['another frame', 'S{"side":0}', 'ERR_IPC_VERSION'],
    ['half a hello', 'H{"vers', 'ERR_IPC_VERSION'],
    ['more than a frame', `H{"version":1,"more":"${'x'.repeat(100_000)}"}`, 'ERR_IPC_VERSION'],
  ]) {
    test(`with ${name} is told ${code}, and the next one is let in`, async () => {
      const listener = ChannelListener.listen(newAddress())
      const accepting = listener.accept()
      await told(listener, async (socket) => {
        await socket.send(frame)
        const answer = String((await socket.recv())?.data)
        assert.equal(answer[0], 'E')
        assert.equal(JSON.parse(answer.slice(1)).code, code)
        assert.equal(await socket.recv(), null)
      })
      const client = await Channel.connect(listener.address)
      const server = await accepting
      await client.send('x')
      assert.equal(String(await server.recv()), 'x')
      for (const handle of [client, server, listener]) handle.close()
    })
  }

  test('with descriptors leaves none of them', async () => {
    const listener = ChannelListener.listen(newAddress())
    await leavesNothing(async () => {
      const accepting = listener.accept()
      await told(listener, async (socket, box) => {
        const [fd] = box.bells()
        await socket.send('H{"version":9}', { fds: new Array(200).fill(fd) })
        await socket.recv()
      })
      await told(listener, async (socket, box) => {
        const [fd] = box.bells()
        await socket.send('H{"version":1}', { fds: new Array(200).fill(fd) })
        ;(await accepting).close()
      })
    })
    listener.close()
  })

  test(`${ROUNDS} times, as chance has it, keeps nobody else out and leaves nothing`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const random = new Random(seed)
    const listener = ChannelListener.listen(newAddress(), { handshakeTimeout: 1_000 })
    let over = false
    const accepting = (async () => {
      while (!over) {
        const channel = await listener.accept({ timeout: 20 }).catch((error) => assert.equal(error.code, 'ETIMEDOUT'))
        // Whoever was let in may be told something, and goes on lying.
        try {
          channel?.trySend('x')
          await channel?.recv({ timeout: 5 })
        } catch (error) {
          assert.ok(
            ['ERR_IPC_CORRUPT', 'ERR_IPC_PEER_DIED', 'ETIMEDOUT'].includes(error.code),
            `seed ${seed}: ${error}`,
          )
        }
        channel?.close()
      }
    })()
    const round = () =>
      told(listener, async (socket, box) => {
        const fds = Array.from({ length: random.chance(0.2) ? random.integer(1, 253) : 0 }, () => box.bells()[0])
        for (let count = random.integer(0, 3); count >= 0; count--) {
          await socket.send(mutated('H{"version":1}', random), { fds }).catch((error) => assert.ok(error.code))
        }
        if (random.chance(0.5)) await socket.recv({ timeout: 5 }).catch((error) => assert.ok(error.code))
      })
    await round()
    for (let i = 0; i < ROUNDS; i++) await round()
    over = true
    await accepting
    await works(listener)
    listener.close()
  })
})
