/** Rings in shared memory, of channels and of topics: whoever has the memory writes what he likes, and this side goes on. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Channel, SharedMemory, Topic } from '../../index.js'
import { inside } from '../support/inside.js'
import { anything, written } from './json.js'
import { outcome } from './outcome.js'

const { coreOf } = inside['handle.js']

/** @typedef {import('../faults/harness/random.js').Random} Random */

const EDGES = [0, 1, 2, 7, 8, 9, 16, 0xff8, 0x1000, 0x1008, 0x0fffffff, 0x10000000, 0x7fffffff, -0x80000000, -1, -8]

/** @param {Random} random @param {number} now what stands there @param {number} size */
function value(random, now, size) {
  switch (random.integer(0, 5)) {
    case 0:
      return random.pick(EDGES)
    case 1:
      return (now + random.integer(-32, 32) * 8) | 0
    case 2:
      return (now + size + random.integer(-2, 2) * 8) | 0
    case 3:
      return now ^ (1 << random.integer(0, 31))
    case 4:
      return (random.integer(0, 5) << 28) | random.integer(0, 2 * size)
    default:
      return random.seed() | 0
  }
}

const CODECS = ['bytes', 'json', 'structured']

export const channelRing = {
  about: 'a channel’s memory, records and positions',
  begin() {
    return {
      /** @param {Random} random */
      async one(random) {
        const codec = random.pick(CODECS)
        const options = {
          capacity: random.pick([4096, 4096, 0]),
          checksum: random.chance(0.2),
          codec,
          maxMessageSize: random.pick([1, 100, 65_536, 2 ** 20]),
        }
        const [enemy, victim] = /** @type {[Channel<any>, Channel<any>]} */ (Channel.pair(options))
        const [theirs, ours] = /** @type {any[]} */ ([coreOf(enemy), coreOf(victim)])
        theirs.ready()
        ours.ready()
        const words = new Int32Array(theirs.incoming.memory)
        for (let step = random.integer(4, 30); step > 0; step--) {
          const kind = random.integer(0, 11)
          if (kind < 3) scribble(random, words, theirs)
          else if (kind < 5) record(random, theirs.outgoing)
          else if (kind === 5) await outcome(() => enemy.trySend(messageOf(codec, random)))
          else await use(random, victim, codec, options.maxMessageSize)
        }
        victim.close()
        enemy.close()
      },
      close() {},
    }
  },
}

/** A word of either ring, or something near the positions. @param {Random} random @param {Int32Array} words @param {any} core */
function scribble(random, words, { outgoing, incoming }) {
  const ring = random.pick([outgoing, incoming])
  if (random.chance(0.6)) {
    const at = ring.at + random.pick([0, 16, 32, 48, 49, 64])
    Atomics.store(words, at, value(random, Atomics.load(words, at), ring.capacity))
  } else if (random.chance(0.8)) {
    const at = ((ring.tail ?? 0) & ring.mask) >> 2
    ring.int32[at + random.integer(0, 4)] = value(random, ring.int32[at], ring.capacity)
  } else {
    words[random.integer(0, 1023)] = value(random, 0, ring.capacity)
  }
}

/** A record that is nearly right, with a payload that is nearly JSON, or nearly anything. @param {Random} random @param {any} outgoing */
function record(random, outgoing) {
  const payload = Buffer.from(
    random.chance(0.7)
      ? written(anything(random), random)
      : Buffer.from([0xff, 0x0f, random.integer(0, 255), random.integer(0, 255), 0x6f, random.integer(0, 255)]),
  ).subarray(0, 1000)
  const at = (outgoing.tail & outgoing.mask) >> 2
  if (at * 4 + 1040 > outgoing.capacity * 2) return
  const kind = random.pick([0, 0, 0, 1, 2, 3, 4, 5])
  const length = random.chance(0.8) ? payload.length : random.integer(0, 5000)
  outgoing.int32[at] = (kind << 28) | length
  outgoing.bytes.set(payload, at * 4 + 8)
  if (kind === 1 || kind === 4) outgoing.int32[at + 2] = value(random, 16, 4096)
  const size = random.chance(0.9) ? (length + 15) & ~7 : random.integer(0, 600) * 8
  Atomics.store(outgoing.words, outgoing.at, (outgoing.tail + size) | 0)
  outgoing.tail = (outgoing.tail + size) | 0
  if (random.chance(0.5)) outgoing.ring?.()
}

/** @param {string} codec @param {Random} random @returns {any} */
function messageOf(codec, random) {
  const text = 'm'.repeat(random.integer(0, 600))
  return codec === 'bytes' ? Buffer.from(text) : { text }
}

/** @param {Random} random @param {Channel<any>} victim @param {string} codec @param {number} most */
async function use(random, victim, codec, most) {
  const taken = await outcome(() => {
    switch (random.integer(0, 9)) {
      case 0:
        return victim.trySend(messageOf(codec, random))
      case 1:
        return victim.send(messageOf(codec, random), { timeout: random.integer(0, 1) })
      case 2:
        return victim.sendSync(messageOf(codec, random), { timeout: 0 })
      case 3:
        return victim.recv({ timeout: random.integer(0, 1) })
      case 4:
        return victim.recvSync({ timeout: 0 })
      case 5:
        return victim.recvMany({ timeout: 0 })
      case 6:
        return victim.flush({ timeout: 0 })
      case 7:
        return codec === 'bytes' ? victim.recvInto(Buffer.alloc(200), { timeout: 0 }) : victim.tryRecv()
      case 8:
        return codec === 'bytes' ? victim.tryBorrow() : victim.tryRecv()
      default:
        return victim.tryRecv()
    }
  })
  if (Buffer.isBuffer(taken)) assert.ok(taken.length <= most, `${taken.length} bytes`)
  if (taken !== null && typeof taken === 'object' && 'release' in taken) /** @type {any} */ (taken).release()
}

/** The words of a topic that are looked at: its lock, positions, bells, the first slots. */
const HOT = [16, 17, 32, 33, 48, 49, 50, 64, 80, 96, 97, 98, 112, 113, 114, 128, 129, 130, 256, 257, 258, 272, 273, 274]

export const topicRing = {
  about: 'a topic’s memory, records, slots and lock',
  begin() {
    const folder = mkdtempSync('/dev/shm/os-ipc-fuzz-')
    let last = 0
    return {
      /** @param {Random} random */
      async one(random) {
        const path = join(folder, `${++last}`)
        const overflow = random.pick(['wait', 'drop-oldest'])
        const topic = /** @type {any} */ (await outcome(() => Topic.open(path, { capacity: 4096, slots: 4, overflow })))
        const memory = SharedMemory.map(path)
        const words = new Int32Array(memory.buffer)
        const subscription = /** @type {any} */ (await outcome(() => topic?.subscribe()))
        for (let step = random.integer(4, 30); step > 0; step--) {
          if (random.chance(0.5)) strike(random, words)
          else await attempt(random, topic, subscription)
        }
        if (random.chance(0.3)) (await outcome(() => Topic.open(path)))?.close()
        subscription?.close()
        topic?.close()
        memory.close()
        rmSync(path, { force: true })
      },
      close: () => rmSync(folder, { recursive: true }),
    }
  },
}

/** @param {Random} random @param {Int32Array} words */
function strike(random, words) {
  const data = 2048
  const at = random.chance(0.7)
    ? random.pick(HOT)
    : random.chance(0.7)
      ? data + random.integer(0, 1023)
      : random.integer(8, words.length - 1)
  if (at < words.length) Atomics.store(words, at, value(random, words[at], 4096))
}

/** @param {Random} random @param {any} topic @param {any} subscription */
async function attempt(random, topic, subscription) {
  const data = Buffer.alloc(random.integer(0, 700), 'm')
  await outcome(() => {
    switch (random.integer(0, 6)) {
      case 0:
        return topic?.tryPublish(data)
      case 1:
        return topic?.publish(data, { timeout: random.integer(0, 1) })
      case 2:
        return topic?.publishSync(data, { timeout: 0 })
      case 3:
        return subscription?.recv({ timeout: random.integer(0, 1) })
      case 4:
        return subscription?.recvMany({ timeout: 0 })
      case 5:
        return subscription?.recvSync({ timeout: 0 })
      default:
        return subscription?.tryRecv()
    }
  })
  if (subscription !== undefined) assert.ok(subscription.missed >= 0, `missed ${subscription.missed}`)
}
