/**
 * Messages through channels, in every way: numbered from 0, of sizes and kinds that both sides work out by themselves, each
 * byte of which is compared when it comes.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { SharedMemory } from '../../../index.js'
import { Random } from './random.js'
import { turnFor } from './time.js'

/** A ring that is full at once. */
const CAPACITY = 4096

/** Channels of every sort. @type {Record<string, any>} */
export const sorts = {
  plain: { capacity: CAPACITY },
  wide: { capacity: 1 << 20 },
  checked: { capacity: CAPACITY, checksum: true },
  json: { capacity: CAPACITY, codec: 'json' },
  structured: { capacity: CAPACITY, codec: 'structured' },
  rendezvous: { capacity: 0 },
  unbounded: { capacity: Number.POSITIVE_INFINITY },
}

/** How a message goes, told by its number. */
class Plan {
  /** @param {number} number @param {number} seed */
  constructor(number, seed) {
    const random = new Random(seed ^ Math.imul(number, 0x9e3779b1))
    this.way = random.integer(0, 9)
    this.handles = random.chance(0.05)
    // Larger than the small rings now and then, so that it goes in pieces.
    this.size = random.chance(0.04) ? random.integer(5_000, 40_000) : random.integer(8, random.chance(0.1) ? 1500 : 120)
    this.fill = random.integer(0, 255)
  }
}

const bytesOf = (/** @type {number} */ number, /** @type {Plan} */ { size, fill }) => {
  const bytes = Buffer.alloc(size, fill)
  bytes.writeUInt32LE(number)
  bytes.writeUInt32LE(size, 4)
  return bytes
}

/** Not for long: the other side may be doing the same. @param {any} channel @param {any} message */
async function sendBlocking(channel, message) {
  try {
    channel.sendSync(message, { timeout: 2 })
  } catch (error) {
    if (error.code !== 'ETIMEDOUT') throw error
    await channel.send(message)
  }
}

/** One direction of one channel. */
export class Traffic {
  /** @param {string} sort @param {number} seed */
  constructor(sort, seed) {
    this.codec = sorts[sort].codec ?? 'bytes'
    this.rendezvous = sorts[sort].capacity === 0
    this.seed = seed
    this.next = 0
  }

  /** @param {number} number @param {Plan} plan */
  message(number, plan) {
    const bytes = bytesOf(number, plan)
    return this.codec === 'bytes' ? bytes : { number, text: bytes.toString('base64') }
  }

  /**
   * Sends the next message, however its number says. Gives the number once it has settled.
   * @param {any} channel
   */
  async send(channel) {
    const number = this.next++
    const plan = new Plan(number, this.seed)
    const message = this.message(number, plan)
    if (plan.handles) {
      const memory = SharedMemory.create(8)
      try {
        memory.write(Uint32Array.of(number), 0)
        await channel.send(message, { handles: [memory] })
      } finally {
        memory.close()
      }
      return number
    }
    // Of a message in pieces it says only that it has begun.
    if (plan.way === 0 && !this.rendezvous && plan.size < 1400) while (!channel.trySend(message)) await turnFor(0)
    else if (plan.way === 1) await sendBlocking(channel, message)
    else if (plan.way === 2 && this.codec === 'bytes' && plan.size < 1000 && !this.rendezvous) {
      const reservation = await channel.reserve(plan.size + 8)
      reservation.bytes.set(message)
      reservation.commit(plan.size)
    } else await channel.send(message)
    return number
  }

  /**
   * Receives what comes next, in a way that chance picks, and compares it: the numbers, or null at the end.
   * @param {any} channel @param {Random} random @returns {Promise<number[] | null>}
   */
  async receive(channel, random) {
    const way = random.integer(0, this.codec === 'bytes' ? 7 : 4)
    if (way === 0) {
      const messages = await channel.recvMany({ max: random.integer(1, 20) })
      return messages.length === 0 ? null : messages.map((/** @type {any} */ message) => this.#compare(message))
    }
    if (way === 1) {
      const envelope = await channel.recvEnvelope()
      if (envelope === null) return null
      const number = this.#compare(envelope.message)
      const handles = envelope.takeHandles()
      assert.equal(handles.length, new Plan(number, this.seed).handles ? 1 : 0, `the handles of ${number}`)
      for (const memory of handles) {
        assert.equal(Buffer.from(memory.read(0, 4)).readUInt32LE(), number, 'the handles of another message')
        memory.close()
      }
      return [number]
    }
    if (way === 2) {
      const message = channel.tryRecv()
      if (message === undefined) {
        await turnFor(0)
        return []
      }
      return this.#given(message)
    }
    if (way === 3) {
      const { value, done } = await channel.iterate().next()
      return done ? null : this.#given(value)
    }
    if (way === 5) {
      const borrowed = await channel.borrow()
      if (borrowed === null) return null
      const number = this.#compare(Buffer.from(borrowed.bytes))
      borrowed.release()
      return [number]
    }
    if (way === 6) {
      const target = Buffer.alloc(40_000)
      const count = await channel.recvInto(target)
      return count === null ? null : this.#given(target.subarray(0, count))
    }
    return this.#given(await channel.recv())
  }

  /** @param {any} message */
  #given(message) {
    return message === null ? null : [this.#compare(message)]
  }

  /** @param {any} message @returns {number} */
  #compare(message) {
    const number = this.codec === 'bytes' ? message.readUInt32LE() : message.number
    assert.ok(number < 2 ** 31, 'corrupt: an impossible number')
    const wanted = this.message(number, new Plan(number, this.seed))
    if (this.codec === 'bytes') assert.ok(wanted.equals(message), `corrupt: message ${number}`)
    else assert.deepEqual(message, wanted, `corrupt: message ${number}`)
    return number
  }
}
