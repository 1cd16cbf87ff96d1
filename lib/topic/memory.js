/**
 * The words and the bytes of a topic, as one member has them mapped. Nothing that stands there is believed: what others can
 * write is checked where it is read.
 */
import { Buffer } from 'node:buffer'
import { coded } from '../errors.js'
import { OLDEST, RECORD, SEQUENCE, TAIL } from './layout.js'

/** @param {string} what */
export function corrupt(what) {
  return coded(Error, 'ERR_IPC_CORRUPT', `The topic holds what cannot be: ${what}`)
}

export function shortened() {
  return corrupt('it has been shortened or written over')
}

/** What the memory begins with: not zeros, which stand there when somebody has shortened the file. */
const MAGIC = new Int32Array(new Uint8Array(Buffer.from('OSIPCTPC')).buffer)
const HIGH = 2 ** 32

/** Processors that put a load before another one, or a store before a store, unless they are told not to. */
const reorders = process.arch !== 'x64'
const nobodys = new Int32Array(1)

/** What was read before this was read before whatever is read next. */
export function readsDone() {
  if (reorders) Atomics.store(nobodys, 0, 0)
}

export class Memory {
  /**
   * @param {ArrayBuffer} memory the header, then the ring twice in a row
   * @param {{ offset: number, capacity: number }} geometry
   */
  constructor(memory, { offset, capacity }) {
    this.capacity = capacity
    this.mask = capacity - 1
    /** The longest message. */
    this.longest = capacity - RECORD
    this.words = new Int32Array(memory, 0, offset >> 2)
    this.longs = new BigInt64Array(memory, 0, offset >> 3)
    // Twice in a row, so that whatever begins in the first half is contiguous.
    this.int32 = new Int32Array(memory, offset, capacity >> 1)
    this.bytes = new Uint8Array(memory, offset, 2 * capacity)
  }

  /** A number of 64 bits, whole. @param {number} word */
  long(word) {
    const value = Number(Atomics.load(this.longs, word >> 1))
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw corrupt('positions')
    return value
  }

  /**
   * Changes a number of 64 bits, which only grows, in one piece.
   * @param {number} word
   * @param {number} low its lower half
   * @param {number} value all of it
   * @param {boolean} carried whether the other half changes too
   */
  grow(word, low, value, carried) {
    if (carried) Atomics.store(this.longs, word >> 1, BigInt(value))
    else Atomics.store(this.words, word, low)
  }

  /** Where the ring begins and ends, and the number of the next message: under the lock. */
  bounds() {
    const oldest = this.long(OLDEST)
    const tail = this.long(TAIL)
    const sequence = this.long(SEQUENCE)
    this.checkHeader()
    if (tail < oldest || tail - oldest > this.capacity || ((tail | oldest) & 7) !== 0) throw corrupt('positions')
    return { oldest, tail, sequence }
  }

  /** Whether it still begins as a topic does. */
  get isWhole() {
    return this.words[0] === MAGIC[0] && this.words[1] === MAGIC[1]
  }

  checkHeader() {
    if (!this.isWhole) throw shortened()
  }

  /**
   * The size of the record at `position`, which ends at `tail` at the latest.
   * @param {number} position
   * @param {number} tail
   */
  sizeAt(position, tail) {
    const length = this.int32[(position & this.mask) >> 2]
    if (length < 0 || length > this.longest) throw corrupt('a message of an impossible length')
    const size = (length + 15) & ~7
    if (size > tail - position) throw corrupt('a message that is longer than what was published')
    return size
  }

  /** The lower half of the number of the message at `position`. @param {number} position */
  sequenceAt(position) {
    return this.int32[((position & this.mask) >> 2) + 1]
  }

  /** The whole number of the message at `position`, near `next`. @param {number} position @param {number} next */
  fullSequenceAt(position, next) {
    return next - (((next | 0) - this.sequenceAt(position)) | 0)
  }
}

/** Whether adding has carried into the upper half. @param {number} before @param {number} after lower halves */
export function carries(before, after) {
  return after >>> 0 < before >>> 0
}

export { HIGH }
