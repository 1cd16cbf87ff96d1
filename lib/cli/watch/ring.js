/**
 * What goes through one direction of a channel. Positions count bytes modulo 2^32; there is no counter of messages, so their
 * records are counted where they still stand, and estimated from a sample where they are overwritten faster than that.
 */
import { readSync } from 'node:fs'
import { HANDLES, KIND_SHIFT, LENGTH, START, WHOLE } from '../../channel/layout.js'

const HEAD = 64
const WORDS = 128
/** More than this is never read at once. */
const MOST = 1 << 20
export class Ring {
  /** @param {number} fd @param {number} words where they stand @param {number} start @param {number} capacity */
  constructor(fd, words, start, capacity) {
    this.fd = fd
    this.words = words
    this.start = start
    this.capacity = capacity
    this.tail = this.#look().tail
    this.messages = 0
    this.bytes = 0
    /** Whether some of that was estimated. */
    this.estimated = false
    /** Bytes that wait to be received. */
    this.waiting = 0
    this.closed = false
    /** What was counted in a part of what goes through. @type {{ messages: number, bytes: number, passed: number } | undefined} */
    this.part = undefined
    /** Bytes of the ring that went round before there was such a part. */
    this.uncounted = 0
  }

  /**
   * Adds what has come since the last time. To be called before 4 GiB have gone through. False if that was more than
   * could be counted: then soon afterwards `probe` can count a part.
   */
  sample() {
    const { tail, head } = this.#look()
    const from = this.tail
    const passed = (tail - from) >>> 0
    this.waiting = Math.min((tail - head) >>> 0, this.capacity)
    this.tail = tail
    if (passed === 0) return true
    const counted = this.#count(from, passed)
    if (counted) {
      this.messages += counted.messages
      this.bytes += counted.bytes
    } else {
      this.estimated = true
      this.uncounted += passed
      this.#estimate()
    }
    return counted !== undefined
  }

  /** Counts what has come since the last sample, if that stands still; whether it did. */
  probe() {
    if (this.closed) return true
    const passed = (this.#look().tail - this.tail) >>> 0
    const counted = passed > 0 ? this.#count(this.tail, passed) : undefined
    if (!counted || counted.messages === 0) return false
    this.part = { ...counted, passed }
    this.#estimate()
    return true
  }

  #estimate() {
    if (!this.part) return
    const { messages, bytes, passed } = this.part
    this.messages += (messages / passed) * this.uncounted
    this.bytes += (bytes / passed) * this.uncounted
    this.uncounted = 0
  }

  #look() {
    const words = Buffer.alloc(WORDS)
    readSync(this.fd, words, 0, WORDS, this.words)
    return { tail: words.readUInt32LE(0), head: words.readUInt32LE(HEAD) }
  }

  /**
   * The messages that begin within these bytes; undefined if they are overwritten, or make no sense.
   * @param {number} from
   * @param {number} passed
   */
  #count(from, passed) {
    if (passed > Math.min(this.capacity, MOST)) return undefined
    const text = Buffer.alloc(passed)
    const at = from & (this.capacity - 1)
    const first = Math.min(passed, this.capacity - at)
    readSync(this.fd, text, 0, first, this.start + at)
    if (first < passed) readSync(this.fd, text, first, passed - first, this.start)
    // Whoever writes may have come round meanwhile.
    if ((this.#look().tail - from) >>> 0 > this.capacity) return undefined
    return countRecords(text)
  }
}

/**
 * Of whole records, as docs/channel-format.md has them.
 * @param {Buffer} text
 */
export function countRecords(text) {
  let messages = 0
  let bytes = 0
  for (let at = 0; at < text.length; ) {
    if (at + 8 > text.length) return undefined
    const word = text.readUInt32LE(at)
    const length = word & LENGTH
    const kind = word >>> KIND_SHIFT
    const next = at + ((length + 8 + 7) & ~7)
    if (kind > HANDLES || next > text.length) return undefined
    if (kind === WHOLE || kind === START) messages++
    // What begins in pieces says how long it is.
    if (kind === START && length >= 4) bytes += text.readUInt32LE(at + 8)
    else if (kind === WHOLE) bytes += length
    else if (kind === HANDLES && length !== 8) return undefined
    at = next
  }
  return { messages, bytes }
}
