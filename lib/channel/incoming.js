/**
 * The receiving half of a channel. Nothing that stands in the ring is believed: a record's first word is read once, and
 * checked against what this side knows by itself.
 *
 * What was taken is told late (see `settle`), since each store makes the other side fetch the line anew.
 */
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'
import { checksumOf } from './checksum.js'
import {
  ABORT,
  HANDLES,
  HEAD,
  KIND_SHIFT,
  LENGTH,
  OFFER,
  PIECE,
  RECEIVER_SLEEPS,
  RECORD,
  SENDER_SLEEPS,
  SENDER_WANTS,
  START,
  TAIL,
  WHOLE,
} from './layout.js'
import { within } from './moment.js'
import { corrupt, Ring } from './ring.js'
import { roomFor } from './spare.js'

/** Up to here words are copied in a loop: making a view of the source would cost more. */
const SHORT = 128
/** Messages up to here share memory. */
export const MEDIUM = 8 * 1024
const SLAB = 64 * 1024

/** Node's own class of buffers over memory that is there already. Elsewhere the long way. */
const FastBuffer = /** @type {any} */ (Buffer)[Symbol.species] ?? Buffer
const makesBuffers = FastBuffer !== Buffer && FastBuffer.prototype === Buffer.prototype

/** @param {ArrayBuffer} memory @param {number} offset @param {number} length @returns {Buffer} */
function bufferOver(memory, offset, length) {
  return makesBuffers ? new FastBuffer(memory, offset, length) : Buffer.from(memory, offset, length)
}

/** As the engine has it: a view of somebody's may have another one. */
const put = Uint8Array.prototype.set

/** Where text is put, to be read. */
const desk = Buffer.alloc(MEDIUM)

/** Where short messages are put, one behind the other: shared by all channels, and never written twice. */
let slab = new ArrayBuffer(0)
let slab8 = new Uint8Array(slab)
let slab32 = new Int32Array(slab)
let filled = 0

function newSlab() {
  slab = new ArrayBuffer(SLAB)
  slab8 = new Uint8Array(slab)
  slab32 = new Int32Array(slab)
  filled = 0
}

/** So many messages that were taken one by one are told of one by one, until there has been a turn of the event loop. */
const SINGLES = 16

/** Who has something to tell in the next turn. @type {Incoming[]} */
let scheduled = []

/** Records of one message that are taken at once: whoever sends it in crumbs keeps nobody from the rest of the loop. */
const CRUMBS = 1024

/** There is nothing to take, or not all of it has been by now. */
export const NOTHING = Symbol('nothing')

/** How often the next piece of a message is waited for at once. */
const MOMENTS = 32

/** A message in pieces, until it is complete. */
class Partial {
  /** @param {number} length @param {Uint8Array | undefined} target where it is wanted, if that is long enough */
  constructor(length, target) {
    this.placed = target !== undefined && target.length >= length
    /** @type {Uint8Array} */
    this.message = this.placed && target !== undefined ? target.subarray(0, length) : roomFor(length)
    this.filled = 0
  }

  /** The target is its owner's again. */
  keep() {
    const { message, filled } = this
    this.placed = false
    this.message = roomFor(message.length)
    this.message.set(message.subarray(0, filled))
  }
}

/**
 * How a message is read where it stands. Each gives what users get, and copies: the other side may go on writing.
 * @typedef {(incoming: Incoming, from: number, length: number) => unknown} Read
 */

export class Incoming extends Ring {
  /**
   * @param {ArrayBuffer} memory
   * @param {import('./facts.js').Facts} facts
   * @param {{ ring: () => void, read: Read, decode: (message: Buffer) => unknown, drop: (sequence: number) => void }} how
   *   the other side's bell; what becomes of a message in the ring, and of one that was put together; and of the handles
   *   of one that is not coming
   */
  constructor(memory, facts, { ring, read, decode, drop }) {
    super(memory, facts, 1 - facts.side)
    this.ring = ring
    this.read = read
    this.decode = decode
    this.drop = drop
    this.checksum = facts.checksum
    this.rendezvous = facts.rendezvous
    this.maxMessageSize = facts.maxMessageSize
    this.eighth = this.capacity >> 3
    /** How many messages that had begun were given up since the last one that was whole, or the last sleep. */
    this.abandoned = 0
    this.open = true
    /** Up to where this side has taken. */
    this.head = Atomics.load(this.words, this.at + HEAD)
    /** Up to where the other side knows of it. */
    this.told = this.head
    /** Up to where this side knows that there is something. */
    this.tail = this.head
    this.scheduled = false
    /** Messages that were the last one there, since there has been a turn. */
    this.singles = 0
    /** Messages need no more than a look at their first word. */
    this.simple = !this.rendezvous
    /** @type {Partial | undefined} */
    this.partial = undefined
    /** Where the next message is wanted, for as long as one call lasts. @type {Uint8Array | undefined} */
    this.target = undefined
    /** Whether the next piece of a message is worth a moment. */
    this.lingers = false
    /** Of the next message, or of the one that was taken last. @type {Announced | undefined} */
    this.handles = undefined
    /** How often this side has had to wait for a message. */
    this.waits = 0
    this.received = 0
    this.bytesReceived = 0
    if ((this.head & 7) !== 0) throw corrupt('positions')
    if (!this.rendezvous) this.refresh()
  }

  /** Looks whether there is more. */
  refresh() {
    const tail = Atomics.load(this.words, this.at + TAIL)
    const published = (tail - this.head) >>> 0
    if (published > this.capacity || (published & 7) !== 0) throw corrupt('positions')
    this.tail = tail
    return published !== 0
  }

  /** Whether there is something to look at. */
  get available() {
    if (this.rendezvous && this.partial === undefined && this.handles === undefined) {
      return this.head !== this.tail || Atomics.load(this.words, this.at + OFFER) === 1
    }
    return this.head !== this.tail || this.refresh()
  }

  /** Whether a look makes sense that found nothing before. */
  stirs() {
    const { words, at } = this
    if (this.head !== this.tail || Atomics.load(words, at + TAIL) !== this.tail) return true
    return this.rendezvous && Atomics.load(words, at + OFFER) === 1
  }

  /** The next message, or NOTHING. */
  take() {
    if (this.head === this.tail) {
      if (!this.simple) return this.takeSlowly()
      // Only a hint, so without an Atomics: whoever is going to sleep has a proper look, and who never sleeps now and then.
      if (this.words[this.at + TAIL] === this.tail || !this.refresh()) {
        if (this.told !== this.head) this.tell()
        return NOTHING
      }
    }
    const at = this.head & this.mask
    const word = this.int32[at >> 2]
    // Whole, and nothing is under way.
    if ((word & ~LENGTH) !== 0 || !this.simple) return this.takeSlowly()
    this.check(word, WHOLE)
    const message = this.read(this, at + RECORD, word)
    this.count(word)
    this.advance((word + 15) & ~7)
    return message
  }

  /**
   * The same for a message that may come in pieces: they are put where it is wanted, if all of them come soon.
   * @param {Uint8Array} target @param {boolean} lingers
   */
  takeTo(target, lingers) {
    this.target = target
    this.lingers = lingers
    try {
      return this.take()
    } finally {
      this.target = undefined
      if (this.partial?.placed) this.partial.keep()
    }
  }

  /** Whether the next piece comes while the one before has just been copied. */
  get continues() {
    return this.lingers && this.partial?.placed === true && within(() => this.refresh())
  }

  /** @returns {unknown} */
  takeSlowly() {
    let moments = 0
    for (let crumbs = 0; ; crumbs++) {
      if (this.rendezvous && this.head === this.tail && !this.accept()) return NOTHING
      if (this.head === this.tail && !this.refresh() && !(moments++ < MOMENTS && this.continues)) {
        if (this.rendezvous && this.partial === undefined && !this.handles?.pending)
          throw corrupt('an offer of nothing')
        // Whoever only looks is not kept busy by what was given up between its looks.
        this.abandoned = 0
        return NOTHING
      }
      if (crumbs === CRUMBS) return NOTHING
      const at = this.head & this.mask
      const word = this.int32[at >> 2]
      const kind = word >>> KIND_SHIFT
      const length = word & LENGTH
      this.check(length, kind)
      const from = at + RECORD
      let message
      if (kind === WHOLE) {
        if (this.partial !== undefined) throw corrupt('a message within another')
        message = this.read(this, from, length)
        this.count(length)
      } else if (kind === PIECE) {
        message = this.continue(from, length)
      } else {
        message = this.instruct(kind, from, length)
      }
      // Pieces: both sides work at the same time.
      this.advance((length + 15) & ~7)
      if (message !== undefined) {
        this.simple = !this.rendezvous
        return message
      }
    }
  }

  /** Whether a part of what is known to be there was left for later. */
  get tired() {
    return this.head !== this.tail
  }

  /** Rendezvous: takes what is offered, if anything is. */
  accept() {
    if (this.partial !== undefined || this.handles?.pending) return true
    return Atomics.compareExchange(this.words, this.at + OFFER, 1, 2) === 1
  }

  /** @param {number} from @param {number} length */
  continue(from, length) {
    const { partial } = this
    if (partial === undefined) throw corrupt('a piece of no message')
    if (length === 0) throw corrupt('a piece of nothing')
    if (length > partial.message.length - partial.filled) throw corrupt('more pieces than were announced')
    const piece = this.bytes.subarray(from, from + length)
    partial.message.set(piece, partial.filled)
    if (this.checksum) this.verify(partial.message, partial.filled, length, from)
    partial.filled += length
    if (partial.filled < partial.message.length) return undefined
    this.partial = undefined
    this.count(partial.message.length)
    return this.decode(/** @type {Buffer} */ (partial.message))
  }

  /** What is no message, and no part of one. @param {number} kind @param {number} from @param {number} length */
  instruct(kind, from, length) {
    const word = from >> 2
    const { int32 } = this
    this.simple = false
    switch (kind) {
      case START:
        if (this.partial !== undefined || length !== 8) throw corrupt('a message within another')
        this.partial = new Partial(this.acceptable(int32[word]), this.target)
        return undefined
      case ABORT:
        if (this.partial === undefined) throw corrupt('the end of no message')
        this.partial = undefined
        this.simple = !this.rendezvous
        // More than there is room for: the other side only keeps this one busy.
        if (++this.abandoned > this.eighth) throw corrupt('messages that are given up, without end')
        if (this.handles !== undefined) {
          const { sequence } = this.handles
          this.handles = undefined
          this.drop(sequence)
        }
        return undefined
      case HANDLES:
        if (this.partial !== undefined || this.handles !== undefined || length !== 8)
          throw corrupt('handles of no message')
        this.handles = new Announced(int32[word] >>> 0, int32[word + 1] >>> 0)
        return undefined
      default:
        throw corrupt('a record of an unknown kind')
    }
  }

  /** The length of the next message, if it stands whole in the ring; -1 if it does not. */
  get nextLength() {
    if (!this.simple) return -1
    if (this.head === this.tail && (this.words[this.at + TAIL] === this.tail || !this.refresh())) return -1
    const word = this.int32[(this.head & this.mask) >> 2]
    if ((word & ~LENGTH) !== 0) return -1
    this.check(word, WHOLE)
    return word
  }

  /**
   * The same for one that comes in pieces, or with handles, as far as can be said before it is taken: -1 if nothing is
   * known, as in a rendezvous, where to look is to take.
   */
  get announcedLength() {
    if (this.rendezvous) return -1
    while (this.head !== this.tail || this.refresh()) {
      if (this.partial !== undefined) return this.partial.message.length
      const at = this.head & this.mask
      const word = this.int32[at >> 2]
      const kind = word >>> KIND_SHIFT
      const length = word & LENGTH
      this.check(length, kind)
      if (kind === WHOLE) return length
      if (kind === START && length === 8) return this.acceptable(this.int32[(at + RECORD) >> 2])
      if (kind !== HANDLES) return -1
      this.instruct(kind, at + RECORD, length)
      this.advance((length + 15) & ~7)
    }
    return -1
  }

  /** @param {number} length of a message that was announced */
  acceptable(length) {
    if (length <= 0 || length > this.maxMessageSize) throw corrupt('a message of an impossible length')
    return length
  }

  /** @param {number} length @param {number} kind */
  check(length, kind) {
    if (((length + 15) & ~7) > (this.tail - this.head) >>> 0)
      throw corrupt('a record that is longer than what was sent')
    if (kind === WHOLE && length > this.maxMessageSize) throw corrupt('a message of an impossible length')
  }

  /** A copy of what stands there. @param {number} from @param {number} length @returns {Buffer} */
  copy(from, length) {
    const message = this.copied(from, length)
    if (this.checksum) this.verify(message, 0, length, from)
    return message
  }

  /** Takes the message that stands next into memory of somebody's. @param {Uint8Array} memory @param {number} length as `nextLength` said */
  copyInto(memory, length) {
    const from = (this.head & this.mask) + RECORD
    put.call(memory, new Uint8Array(this.memory, this.start + from, length))
    if (this.checksum) this.verify(memory, 0, length, from)
    this.count(length)
    this.advance((length + 15) & ~7)
  }

  /** The payload as text. @param {number} from @param {number} length @returns {string} */
  text(from, length) {
    // The engine reads text twice, first to see how long it will be: so never where the other side goes on writing. And what
    // is checked has to be what is read.
    if (this.checksum || length > desk.length) return this.copy(from, length).toString()
    desk.set(new Uint8Array(this.memory, this.start + from, length))
    return desk.toString('utf8', 0, length)
  }

  /** @param {number} from @param {number} length @returns {Buffer} */
  copied(from, length) {
    if (length > MEDIUM) {
      const message = roomFor(length)
      message.set(new Uint8Array(this.memory, this.start + from, length))
      return message
    }
    if (filled + length > slab.byteLength) newSlab()
    const to = filled
    // As Node's own pool does: what is put there as other types wants to be aligned.
    filled = (to + length + 7) & ~7
    if (length <= SHORT) {
      const { int32 } = this
      const end = (from + length + 3) >> 2
      for (let i = from >> 2, j = to >> 2; i < end; i++, j++) slab32[j] = int32[i]
    } else {
      slab8.set(new Uint8Array(this.memory, this.start + from, length), to)
    }
    return bufferOver(slab, to, length)
  }

  /** Compares the checksum of what was copied. @param {Uint8Array} bytes @param {number} at @param {number} length @param {number} from */
  verify(bytes, at, length, from) {
    if (checksumOf(bytes, at, length) !== this.int32[(from - RECORD + 4) >> 2]) throw corrupt('a wrong checksum')
  }

  /** @param {number} bytes */
  count(bytes) {
    this.received++
    this.abandoned = 0
    this.bytesReceived += bytes
    this.handles?.arrive()
  }

  /** @param {number} size */
  advance(size) {
    const head = (this.head + size) | 0
    this.head = head
    if (
      (head - this.told) >>> 0 >= this.eighth ||
      // Only a hint, so without an Atomics: at the latest `settle` has a proper look.
      this.words[this.at + SENDER_SLEEPS] !== 0 ||
      this.rendezvous
    ) {
      this.tell()
    } else if (!this.scheduled) {
      // One now and then is told of at once, and of many the last.
      if (head === this.tail && ++this.singles < SINGLES) this.tell()
      else this.schedule()
    }
  }

  schedule() {
    this.scheduled = true
    this.singles = 0
    if (scheduled.push(this) === 1) setImmediate(settle)
  }

  /** The other side may use the room again. */
  tell() {
    const { words, at, head } = this
    this.told = head
    Atomics.store(words, at + HEAD, head)
    if (Atomics.load(words, at + SENDER_SLEEPS) === 0) return
    if (((head - Atomics.load(words, at + SENDER_WANTS)) | 0) < 0) return
    if (Atomics.exchange(words, at + SENDER_SLEEPS, 0) === 1) this.ring()
  }

  /** Has the other side ring when it sends something. False if it has. */
  sleep() {
    if (this.told !== this.head) this.tell()
    this.waits++
    Atomics.store(this.words, this.at + RECEIVER_SLEEPS, 1)
    if (!this.available) {
      this.abandoned = 0
      return true
    }
    Atomics.store(this.words, this.at + RECEIVER_SLEEPS, 0)
    return false
  }

  /** Whoever comes next goes on from here. */
  rest() {
    if (this.told !== this.head) this.tell()
  }

  /** The memory is going away: what was taken is said a last time. */
  leave() {
    if (this.told !== this.head) this.tell()
    this.open = false
  }
}

/** The end of a burst. */
function settle() {
  const incomings = scheduled
  scheduled = []
  for (const incoming of incomings) incoming.scheduled = false
  for (const incoming of incomings) if (incoming.open && incoming.told !== incoming.head) incoming.tell()
}

// What was taken in the last turn of all was received too.
process.on('exit', settle)

/** Handles that a message has. */
class Announced {
  /** @param {number} sequence @param {number} count */
  constructor(sequence, count) {
    this.sequence = sequence
    this.count = count
    /** Its message has not been taken yet. */
    this.pending = true
  }

  arrive() {
    this.pending = false
  }
}
