/**
 * The sending half of a channel: records are written into the ring in JS, since a call into native code costs more than a
 * small message does.
 *
 * A message counts as sent when `tail` has been stored: whoever dies later has sent it.
 */
import { isShared } from '../data.js'
import { checksumOf } from './checksum.js'
import {
  ABORT,
  HEAD,
  KIND_SHIFT,
  largestPayload,
  OFFER,
  PIECE,
  RECEIVER_SLEEPS,
  RECORD,
  recordSize,
  SENDER_SLEEPS,
  SENDER_WANTS,
  START,
  TAIL,
} from './layout.js'
import { corrupt, Ring } from './ring.js'

const { get } = /** @type {{ get: () => number }} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength')
)

/** As the engine says: a property of the view's own may say otherwise. @param {Uint8Array} view @returns {number} */
const lengthOf = (view) => get.call(view)

/** A record of pieces: several fit into the ring, so that both sides work at the same time. */
const PIECES = 4
/** And no longer than this: what was just written is still in a cache when it is read. */
const PIECE_SIZE = 128 * 1024
/** What whoever waits awake for room wants to find: several messages for each turn, and soon. */
const PLENTY = 512 * 1024

export class Outgoing extends Ring {
  /**
   * @param {ArrayBuffer} memory
   * @param {import('./facts.js').Facts} facts
   * @param {() => void} ring the other side's bell
   */
  constructor(memory, facts, ring) {
    super(memory, facts, facts.side)
    this.ring = ring
    this.checksum = facts.checksum
    this.rendezvous = facts.rendezvous
    /** The largest payload of one record. */
    this.largest = largestPayload(this.capacity)
    this.largestWhole = Math.min(this.largest, facts.maxMessageSize)
    this.sent = 0
    this.bytesSent = 0
    this.piece = Math.max(Math.min(this.capacity / PIECES, PIECE_SIZE) - RECORD, 8)
    this.tail = Atomics.load(this.words, this.at + TAIL)
    this.head = Atomics.load(this.words, this.at + HEAD)
    /** What `stirs` has told of. */
    this.stirred = this.head
    /** A message has been given up half-way, and the other side is to be told. */
    this.aborting = false
    /** How often this side has had to wait for room. */
    this.waits = 0
    if ((this.tail - this.head) >>> 0 > this.capacity || (this.tail & 7) !== 0) throw corrupt('positions')
  }

  /** Bytes that have been published and not taken. */
  get used() {
    return (this.tail - this.head) >>> 0
  }

  /**
   * Whether there is room for a record of `size` bytes; looks at the other side's position only if it must.
   * @param {number} size
   */
  fits(size) {
    return size <= this.capacity - ((this.tail - this.head) >>> 0) || this.look(size)
  }

  /** @param {number} size */
  look(size) {
    const head = Atomics.load(this.words, this.at + HEAD)
    const taken = (head - this.head) >>> 0
    const used = (this.tail - this.head) >>> 0
    // Who has taken what was offered, and lets it be withdrawn all the same, is ahead of the tail.
    if (taken > used || used > this.capacity) throw corrupt('it has taken more than was sent')
    this.head = head
    return size <= this.capacity - ((this.tail - head) >>> 0)
  }

  /** More than a record of `size` bytes, so that the next ones need not wait too. @param {number} size */
  plenty(size) {
    return Math.max(size, Math.min(this.capacity >> 1, PLENTY))
  }

  /**
   * What is called for each plain message: false if there is no room, or if it is none for this way.
   * @param {Uint8Array} message
   */
  putFast(message) {
    const length = lengthOf(message)
    if (length > this.largestWhole || this.aborting) return false
    if (this.checksum && isShared(message)) return false
    if (!this.put(message, length)) return false
    this.sent++
    this.bytesSent += length
    return true
  }

  /**
   * Sends a message of one record if there is room.
   * @param {Uint8Array} message at most `largest` bytes
   */
  put(message, length = lengthOf(message)) {
    const size = (length + 15) & ~7
    const { tail } = this
    if (size > this.capacity - ((tail - this.head) >>> 0) && !this.look(size)) return false
    const at = tail & this.mask
    const { int32 } = this
    int32[at >> 2] = length
    if (length > 0) this.bytes.set(message, at + RECORD)
    if (this.checksum) int32[(at >> 2) + 1] = checksumOf(message, 0, length)
    this.publish((tail + size) | 0)
    return true
  }

  /**
   * The same for one that is not known to be a plain view: it is copied as far as it really is.
   * @param {number} kind
   * @param {Uint8Array} payload
   */
  putRecord(kind, payload) {
    const length = payload.byteLength
    const size = recordSize(length)
    if (!this.fits(size)) return false
    const at = this.tail & this.mask
    this.int32[at >> 2] = length | (kind << KIND_SHIFT)
    if (length > 0) this.bytes.set(payload, at + RECORD)
    if (this.checksum) this.int32[(at >> 2) + 1] = checksumOf(payload, 0, length)
    this.publish((this.tail + size) | 0)
    return true
  }

  /** Sends what was written where room was reserved. @param {number} length */
  commit(length) {
    const at = this.tail & this.mask
    this.int32[at >> 2] = length
    if (this.checksum) {
      const from = at + RECORD
      // Of a copy: the other side can write here too.
      this.int32[(at >> 2) + 1] = checksumOf(new Uint8Array(this.bytes.subarray(from, from + length)), 0, length)
    }
    this.sent++
    this.bytesSent += length
    this.publish((this.tail + recordSize(length)) | 0)
  }

  /** What stands before the new tail is the other side's now. @param {number} tail */
  publish(tail) {
    this.tail = tail
    Atomics.store(this.words, this.at + TAIL, tail)
    if (Atomics.load(this.words, this.at + RECEIVER_SLEEPS) !== 0) this.wake()
  }

  /** One bell for each sleep. */
  wake() {
    if (Atomics.exchange(this.words, this.at + RECEIVER_SLEEPS, 0) === 1) this.ring()
  }

  /** Whether the other side has taken something since this was asked, or since its position was looked at. */
  stirs() {
    const { words, at } = this
    const head = Atomics.load(words, at + HEAD)
    if (head !== this.head && head !== this.stirred) {
      this.stirred = head
      return true
    }
    return this.rendezvous && Atomics.load(words, at + OFFER) === 2
  }

  /** Has the other side ring when there is room for `size` bytes. False if there is by now. @param {number} size */
  sleep(size) {
    // Half the ring at once, rather than a bell for each message that is taken.
    const room = Math.min(Math.max(size, this.capacity >> 1), this.capacity)
    this.ask((this.tail + room - this.capacity) | 0)
    return !this.look(size)
  }

  /** Has the other side ring when it has taken everything up to `position`, or to what was asked for before. @param {number} position */
  ask(position) {
    const { words, at } = this
    const asked = Atomics.load(words, at + SENDER_WANTS)
    const stands = Atomics.load(words, at + SENDER_SLEEPS) === 1 && ((asked - position) | 0) < 0
    if (!stands) Atomics.store(words, at + SENDER_WANTS, position)
    Atomics.store(words, at + SENDER_SLEEPS, 1)
    this.waits++
  }

  /** The same for what was sent up to `position`: false if it has been taken. @param {number} position */
  sleepUntilTaken(position) {
    this.ask(position)
    return !this.hasTaken(position)
  }

  /** @param {number} position */
  hasTaken(position) {
    this.look(0)
    return ((this.head - position) | 0) >= 0
  }

  /** The announcement of a message in pieces. @param {number} length */
  announce(length) {
    return this.putRecord(START, new Uint8Array(Uint32Array.of(length, 0).buffer))
  }

  /**
   * As many pieces as there is room for.
   * @param {Uint8Array} message
   * @param {number} from
   * @returns {number} up to where it is sent
   */
  putPieces(message, from) {
    while (from < message.byteLength) {
      const end = Math.min(from + this.piece, message.byteLength)
      if (!this.putRecord(PIECE, message.subarray(from, end))) return from
      from = end
    }
    return from
  }

  /** Tells the other side that a message which had begun is not coming. */
  abort() {
    this.aborting = !this.putRecord(ABORT, NOTHING)
    return !this.aborting
  }

  /** Rendezvous: has the other side choose. What was published last is offered. */
  offer() {
    Atomics.store(this.words, this.at + OFFER, 1)
    if (Atomics.load(this.words, this.at + RECEIVER_SLEEPS) !== 0) this.wake()
  }

  /** Whether a receiver waits. */
  get awaited() {
    return Atomics.load(this.words, this.at + RECEIVER_SLEEPS) !== 0
  }

  /** Whether what is offered is somebody's by now. */
  get isTaken() {
    return Atomics.load(this.words, this.at + OFFER) === 2
  }

  /** Whether the offer has been taken; then another one can be made. */
  collect() {
    const { words, at } = this
    const offer = Atomics.load(words, at + OFFER)
    if (offer === 1) return false
    if (offer !== 2) throw corrupt('an offer that was never made')
    Atomics.store(words, at + OFFER, 0)
    return true
  }

  /** Has the other side ring when it takes the offer. False if it has. */
  sleepUntilOfferTaken() {
    this.ask(this.head)
    return Atomics.load(this.words, this.at + OFFER) === 1
  }

  /** Takes an offer back. False if it has been taken. @param {number} tail where it began */
  withdraw(tail) {
    const { words, at } = this
    if (Atomics.compareExchange(words, at + OFFER, 1, 0) !== 1) return false
    this.tail = tail
    Atomics.store(words, at + TAIL, tail)
    return true
  }
}

const NOTHING = new Uint8Array(0)
