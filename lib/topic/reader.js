/**
 * The position of one subscriber, and what he takes. With 'drop-oldest' a message is copied first, and then it is looked
 * whether it was still there: publishers say what they are going to write over before they do.
 */
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'
import { ENDED, OLDEST, OWNER, POSITION, RECORD, ROOM, SEQUENCE, SERVED, STATE, TAIL, WANTED } from './layout.js'
import { corrupt, readsDone } from './memory.js'

/** @typedef {import('./memory.js').Memory} Memory */
/** @typedef {import('./writer.js').Writer} Writer */

/** There is nothing to take. */
export const NOTHING = Symbol('nothing')

/** How often somebody who is being overtaken tries before he holds the publishers up. */
const ATTEMPTS = 4
/** More than that is no bad luck. */
const MOST_ATTEMPTS = 1000

export class Reader {
  /**
   * @param {Writer} writer of the same member
   * @param {(message: Buffer) => unknown} decode
   * @param {{ slot: number, position: number, sequence: number }} place
   */
  constructor(writer, decode, { slot, position, sequence }) {
    const { memory } = writer
    this.writer = writer
    this.memory = memory
    this.decode = decode
    this.slot = slot
    this.waits = !writer.dropsOldest
    this.eighth = memory.capacity >> 3
    this.position = position
    this.low = position | 0
    this.sequence = sequence
    this.sequenceLow = sequence | 0
    /** Up to where publishers know of it. */
    this.told = this.low
    this.scheduled = false
    this.open = true
    this.missed = 0
    this.bytesTaken = 0
  }

  /** The next message, or NOTHING. */
  take() {
    const tail = Atomics.load(this.memory.words, TAIL)
    if (tail === this.low) return NOTHING
    const message = this.read(tail)
    return message === NOTHING ? this.takeSlowly() : message
  }

  /** The message that stands next, or NOTHING if it is not there any more. @param {number} tail not our own position */
  read(tail) {
    const { memory } = this
    const { int32 } = memory
    const at = this.low & memory.mask
    const length = int32[at >> 2]
    const size = (length + 15) & ~7
    const fits = length >= 0 && length <= memory.longest && size <= (tail - this.low) >>> 0
    if (!fits || int32[(at >> 2) + 1] !== this.sequenceLow) return NOTHING
    const message = Buffer.allocUnsafe(length)
    if (length > 0) message.set(memory.bytes.subarray(at + RECORD, at + RECORD + length))
    if (!this.waits && !this.stood()) return NOTHING
    this.advance(size, tail)
    this.bytesTaken += length
    return this.decoded(message)
  }

  /** This subscriber was overtaken: it goes on with the oldest message that is there. */
  takeSlowly() {
    if (this.waits) throw corrupt('a message that is none')
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      // Where others publish as fast as this one reads, it would run after them for ever.
      const alone = attempt >= ATTEMPTS && this.writer.enter()
      try {
        const found = this.jump()
        if (found === undefined) continue
        if (!found) return NOTHING
        const message = this.read(Atomics.load(this.memory.words, TAIL))
        if (message !== NOTHING) return message
      } finally {
        if (alone) this.writer.leave()
      }
    }
    throw corrupt('positions that never hold still')
  }

  /** Whether what was read has not been written over meanwhile. */
  stood() {
    readsDone()
    return ((this.low - Atomics.load(this.memory.words, OLDEST)) | 0) >= 0
  }

  /** @param {Buffer} message */
  decoded(message) {
    try {
      return this.decode(message)
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'ERR_IPC_CORRUPT')
        throw corrupt('a message that its codec does not know')
      throw error
    }
  }

  /** To the oldest message. False if there is none: the next one is on its way. Undefined if it has gone meanwhile. */
  jump() {
    const { memory } = this
    // Whoever writes over a message has said so before: what was read of him is not to be older than what he says.
    readsDone()
    const oldest = memory.long(OLDEST)
    const tail = memory.long(TAIL)
    memory.checkHeader()
    if (tail < oldest || ((tail | oldest) & 7) !== 0) throw corrupt('positions')
    // It only grows, so what was read had not been written over.
    if (this.position >= oldest) throw corrupt('a message that is none')
    if (oldest === tail) return false
    const sequence = memory.fullSequenceAt(oldest, memory.long(SEQUENCE))
    readsDone()
    if (memory.long(OLDEST) !== oldest) return undefined
    const missed = sequence - this.sequence
    if (!(missed > 0)) throw corrupt('the numbers of messages')
    this.missed += missed
    this.position = oldest
    this.low = oldest | 0
    this.sequence = sequence
    this.sequenceLow = sequence | 0
    return true
  }

  /** @param {number} size @param {number} tail */
  advance(size, tail) {
    this.position += size
    this.sequence++
    this.sequenceLow = (this.sequenceLow + 1) | 0
    const low = (this.low + size) | 0
    this.low = low
    if (!this.waits) return
    const { words } = this.memory
    if (
      low === tail ||
      (low - this.told) >>> 0 >= this.eighth ||
      Atomics.load(words, ROOM + WANTED) !== Atomics.load(words, ROOM + SERVED)
    ) {
      this.tell()
    } else if (!this.scheduled) {
      this.scheduled = true
      setImmediate(settle, this)
    }
  }

  /** Publishers may use the room again. */
  tell() {
    const { words } = this.memory
    this.told = this.low
    Atomics.store(words, this.slot + POSITION, this.low)
    if (Atomics.load(words, ROOM + WANTED) !== Atomics.load(words, ROOM + SERVED)) this.writer.ring(ROOM)
  }

  /** Whether there is something to take, by a look at all of the position and not at its lower half alone. */
  get available() {
    const oldest = this.memory.long(OLDEST)
    const tail = this.memory.long(TAIL)
    // Also if all was dropped for a message that is not there yet: whoever publishes it will ring.
    if (tail === this.position || tail === oldest) return false
    return (tail | 0) !== this.low || this.jump() !== false
  }

  /** Whether nothing comes any more. To be followed by another look. */
  get ended() {
    return (Atomics.load(this.memory.words, STATE) & ENDED) !== 0
  }

  /** The slot is free for somebody else. */
  leave() {
    if (!this.open) return
    this.open = false
    const { words } = this.memory
    if (words.length === 0) return
    Atomics.compareExchange(words, this.slot + OWNER, this.writer.number, 0)
    if (Atomics.load(words, ROOM + WANTED) !== Atomics.load(words, ROOM + SERVED)) this.writer.ring(ROOM)
  }
}

/** The end of a burst. @param {Reader} reader */
function settle(reader) {
  reader.scheduled = false
  if (reader.open && reader.told !== reader.low) reader.tell()
}
