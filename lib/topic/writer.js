/**
 * Publishing: one at a time, under a lock that whoever comes next takes from a holder that has died.
 *
 * A message is published when `tail` has been stored. Before that nothing of it can be seen, and `oldest` has left the room
 * that it takes; so at every moment what stands between the two is whole, whoever is killed.
 */
import { coded } from '../errors.js'
import native from '../load.js'
import {
  BELL,
  ENDED,
  EPOCH,
  FREE,
  LOCK,
  MESSAGES,
  OLDEST,
  OWNER,
  POSITION,
  RECORD,
  SEQUENCE,
  SERVED,
  SLOT,
  SLOTS,
  STATE,
  TAIL,
  WANTED,
} from './layout.js'
import { carries, corrupt } from './memory.js'

/** @typedef {import('./memory.js').Memory} Memory */

/** What became of a message: it is published; somebody else is publishing; there is no room. */
export const DONE = 0
export const LOCKED = 1
export const FULL = 2

/** Looks at a lock that is held, which takes less than a microsecond as a rule. */
const LOOKS = 200

const { get } = /** @type {{ get: () => number }} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength')
)

/** As the engine says: a property of the view's own may say otherwise. @param {Uint8Array} view @returns {number} */
export const lengthOf = (view) => get.call(view)

/** @param {Memory} memory @param {Uint8Array} payload */
export function checkLength({ longest }, payload) {
  const length = lengthOf(payload)
  if (length <= longest) return
  throw coded(Error, 'EMSGSIZE', `EMSGSIZE: the message has ${length} bytes, and the most is ${longest}`, {
    hint: 'the limit is the capacity of the topic, given where it is made',
  })
}

export class Writer {
  /**
   * @param {Memory} memory
   * @param {{ id: number, member: number, slots: number }} facts
   * @param {boolean} dropsOldest
   */
  constructor(memory, { id, member, slots }, dropsOldest) {
    this.id = id
    this.number = member
    this.slots = slots
    this.memory = memory
    this.dropsOldest = dropsOldest
    /** What stood there when this member has published last: true for as long as nobody else has. */
    this.known = false
    this.oldest = 0
    this.tail = 0
    this.low = 0
    this.sequence = 0
    this.sequenceLow = 0
    /** Up to where the slowest subscriber lets us write, if no new one has come since. */
    this.limit = 0
    this.epoch = 0
    /** The member whom the last attempt that came to nothing has to wait for. */
    this.blocker = 0
  }

  /**
   * DONE, or why not.
   * @param {Uint8Array} payload of at most the memory's `longest`
   */
  put(payload) {
    if (!this.enter()) return LOCKED
    let done
    try {
      done = this.write(payload)
    } finally {
      this.leave()
    }
    const { words } = this.memory
    if (done === DONE && Atomics.load(words, MESSAGES + WANTED) !== Atomics.load(words, MESSAGES + SERVED)) {
      this.ring(MESSAGES)
    }
    return done
  }

  /** Takes the lock. */
  enter() {
    return Atomics.compareExchange(this.memory.words, LOCK, 0, this.number) === 0 || this.enterSlowly()
  }

  enterSlowly() {
    const { words } = this.memory
    for (let look = 0; look < LOOKS; look++) {
      if (Atomics.load(words, LOCK) === 0 && Atomics.compareExchange(words, LOCK, 0, this.number) === 0) return true
    }
    // Of one that changes hands all the time, others get it: it is waited for then.
    for (let look = 0; look < LOOKS; look++) {
      const holder = Atomics.compareExchange(words, LOCK, 0, this.number)
      if (holder === 0) return true
      // It is never held from one call to the next, so our own number stands there for somebody else's mischief.
      if (holder !== this.number && this.isAlive(holder)) {
        this.blocker = holder
        return false
      }
      if (Atomics.compareExchange(words, LOCK, holder, this.number) === holder) {
        this.known = false
        this.repair()
        return true
      }
    }
    this.blocker = 0
    return false
  }

  leave() {
    const { words } = this.memory
    Atomics.store(words, LOCK, 0)
    if (Atomics.load(words, FREE + WANTED) !== Atomics.load(words, FREE + SERVED)) this.ring(FREE)
  }

  /** @param {number} member */
  isAlive(member) {
    return native.topicIsAlive(this.id, member >>> 0) !== 0
  }

  /**
   * Wakes all who wait. That they have been woken is said last, so whoever is killed in between leaves it to the next one.
   * @param {number} bell
   */
  ring(bell) {
    const { words } = this.memory
    const wanted = Atomics.load(words, bell + WANTED)
    native.topicRing(this.id, (bell + BELL) * 4)
    Atomics.store(words, bell + SERVED, wanted)
  }

  /** Whoever held the lock has died: he may have published a message and not said what number the next one has. */
  repair() {
    try {
      const { memory } = this
      const { oldest, tail, sequence } = memory.bounds()
      let last = -1
      for (let position = oldest; position < tail; position += memory.sizeAt(position, tail)) last = position
      if (last < 0) return
      const next = memory.fullSequenceAt(last, sequence) + 1
      if (next !== sequence) memory.grow(SEQUENCE, next | 0, next, true)
    } catch (error) {
      this.leave()
      throw error
    }
  }

  /** Somebody else has published since this member did. */
  reload() {
    const { oldest, tail, sequence } = this.memory.bounds()
    if (tail < this.tail || sequence < this.sequence) throw corrupt('positions')
    this.oldest = oldest
    this.tail = tail
    this.low = tail | 0
    this.sequence = sequence
    this.sequenceLow = sequence | 0
    this.known = true
  }

  /** Under the lock: what stands there by now. */
  refresh() {
    const { memory } = this
    const { words } = memory
    const same = this.known && Atomics.load(words, TAIL) === this.low && words[SEQUENCE] === this.sequenceLow
    if (!same || !memory.isWhole) this.reload()
  }

  /** Under the lock. @param {Uint8Array} payload */
  write(payload) {
    const { memory } = this
    const { words, int32, capacity } = memory
    if ((Atomics.load(words, STATE) & ENDED) !== 0) throw ended()
    this.refresh()
    const length = lengthOf(payload)
    const size = (length + 15) & ~7
    const tail = this.tail + size
    if (!this.dropsOldest && (tail > this.limit || Atomics.load(words, EPOCH) !== this.epoch)) {
      if (!this.findRoom(tail)) return FULL
    }
    if (tail - this.oldest > capacity) this.drop(tail - capacity)
    const at = this.low & memory.mask
    int32[at >> 2] = length
    int32[(at >> 2) + 1] = this.sequenceLow
    if (length > 0) memory.bytes.set(payload, at + RECORD)
    const low = (this.low + size) | 0
    // If this is not reached the room is written over by the next one.
    memory.grow(TAIL, low, tail, carries(this.low, low))
    this.tail = tail
    this.low = low
    this.sequence++
    const sequence = (this.sequenceLow + 1) | 0
    this.sequenceLow = sequence
    if (sequence === 0) memory.grow(SEQUENCE, 0, this.sequence, true)
    else words[SEQUENCE] = sequence
    // Whoever has seen that nothing comes any more may not have seen this.
    if ((Atomics.load(words, STATE) & ENDED) !== 0) throw ended()
    return DONE
  }

  /**
   * Whether all subscribers have taken what stands before `tail - capacity`. Those that have died are not waited for.
   * @param {number} tail
   */
  findRoom(tail) {
    const { memory } = this
    const { words, capacity } = memory
    this.epoch = Atomics.load(words, EPOCH)
    let slowest = this.tail
    for (let slot = SLOTS; slot < SLOTS + this.slots * SLOT; slot += SLOT) {
      const owner = Atomics.load(words, slot + OWNER)
      if (owner === 0) continue
      const behind = (this.low - Atomics.load(words, slot + POSITION)) >>> 0
      const cannotBe = behind > capacity || (behind & 7) !== 0
      const position = this.tail - behind
      const holdsUp = position + capacity < tail
      if (cannotBe || (holdsUp && owner !== this.number && !this.isAlive(owner))) {
        Atomics.compareExchange(words, slot + OWNER, owner, 0)
      } else if (position < slowest) {
        slowest = position
        this.blocker = owner
      }
    }
    this.limit = slowest + capacity
    return tail <= this.limit
  }

  /** What stands before `position` is nobody's any more, before it is written over. @param {number} position */
  drop(position) {
    const { memory } = this
    const before = this.oldest
    let oldest = before
    while (oldest < position) oldest += memory.sizeAt(oldest, this.tail)
    this.oldest = oldest
    memory.grow(OLDEST, oldest | 0, oldest, carries(before | 0, oldest | 0))
    // What is written next comes after that, on every processor.
    Atomics.load(memory.words, OLDEST)
  }
}

export function ended() {
  return coded(Error, 'EIDRM', 'EIDRM: the topic was unlinked')
}
