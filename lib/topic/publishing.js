/**
 * Publishing and subscribing: both need the lock for a moment, and a publisher may need room.
 */
import { Buffer } from 'node:buffer'
import { coded, timedOut } from '../errors.js'
import { inNextTurn } from '../reactor.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { EPOCH, FREE, OWNER, POSITION, ROOM, SLOT, SLOTS } from './layout.js'
import { LOOKS } from './receiving.js'
import { DONE, LOCKED } from './writer.js'

/** @typedef {import('./core.js').TopicCore} TopicCore */
/** @typedef {{ slot: number, position: number, sequence: number }} Place */

/**
 * Milliseconds that a blocking call sleeps at once, at first and at most. A bell wakes it; only that whoever holds it up has
 * died it has to see by itself, and the longer it waits already, the less often it looks.
 */
const [FIRST_SLICE, LONGEST_SLICE] = [20, 80]

/** What needs the lock. */
class Locked extends Operation {
  /** @param {TopicCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  get mayFail() {
    return true
  }

  /** Does it now: DONE, LOCKED or FULL. @returns {number} */
  proceed() {
    return DONE
  }

  /** @returns {any} */
  get result() {
    return undefined
  }

  attempt() {
    const { member } = this.core
    member.check()
    try {
      const { direction } = this
      for (let look = 0; look < LOOKS; look++) {
        const outcome = this.proceed()
        if (outcome === DONE) return this.result
        if (direction === undefined) return BLOCKED
        const bell = outcome === LOCKED ? FREE : ROOM
        const heard = member.announce(bell)
        const again = this.proceed()
        if (again === DONE) return this.result
        if (again !== outcome) continue
        member.watch(bell, member.writer.blocker)
        if (member.sleep(bell, heard, direction)) return BLOCKED
      }
      // Bells without end, and nothing else.
      if (direction !== undefined) inNextTurn(direction)
      return BLOCKED
    } catch (error) {
      throw member.broke(error)
    }
  }

  /** @param {unknown} error */
  failure(error) {
    const { core } = this
    // Whoever stood behind it may have less to wait for.
    if (!core.closed && core.publishing.head !== undefined) inNextTurn(core.publishing)
    return error
  }

  /** The blocking form. @param {number} timeout @param {() => boolean} mayGo whether it is its turn */
  block(timeout, mayGo) {
    const { member } = this.core
    const deadline = performance.now() + timeout
    const proceed = () => (mayGo() ? this.proceed() : FULL_BEFORE)
    let slice = FIRST_SLICE
    try {
      for (;;) {
        const outcome = proceed()
        if (outcome === DONE) return this.result
        const left = deadline - performance.now()
        if (left <= 0) throw timedOut()
        const bell = outcome === LOCKED ? FREE : ROOM
        const heard = member.announce(bell)
        if (proceed() === DONE) return this.result
        member.block(bell, heard, left < slice ? Math.ceil(left) : slice)
        slice = Math.min(2 * slice, LONGEST_SLICE)
      }
    } catch (error) {
      throw member.broke(error)
    }
  }
}

/** Others stand before it. */
const FULL_BEFORE = 3

export class Publish extends Locked {
  /** @param {TopicCore} core @param {Uint8Array} payload @param {boolean} fresh whether it is nobody else's */
  constructor(core, payload, fresh) {
    super(core)
    this.payload = payload
    this.fresh = fresh
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    if (!this.fresh) this.payload = Buffer.from(this.payload)
    this.fresh = true
  }

  proceed() {
    return this.core.member.writer.put(this.payload)
  }
}

/** Takes a slot, and a position. */
export class Subscribe extends Locked {
  /** @type {Place | undefined} */
  place = undefined

  /** @param {TopicCore} core @param {number} history @param {(place: Place) => unknown} make what is made of it */
  constructor(core, history, make) {
    super(core)
    this.history = history
    this.make = make
  }

  get result() {
    return this.place && this.make(this.place)
  }

  proceed() {
    const { writer } = this.core.member
    if (!writer.enter()) return LOCKED
    try {
      this.settle()
    } finally {
      writer.leave()
    }
    return DONE
  }

  /** Under the lock. */
  settle() {
    const { writer, memory } = this.core.member
    const { words } = memory
    writer.refresh()
    const slot = this.slot()
    const { position, sequence } = this.start()
    Atomics.store(words, slot + POSITION, position | 0)
    Atomics.store(words, slot + OWNER, writer.number)
    // Publishers look at all slots again.
    Atomics.add(words, EPOCH, 1)
    this.place = { slot, position, sequence }
  }

  /** One that nobody has, or somebody who has died. */
  slot() {
    const { writer, memory, slots } = this.core.member
    const { words } = memory
    const end = SLOTS + slots * SLOT
    for (let slot = SLOTS; slot < end; slot += SLOT) if (Atomics.load(words, slot + OWNER) === 0) return slot
    for (let slot = SLOTS; slot < end; slot += SLOT) {
      const owner = Atomics.load(words, slot + OWNER)
      if (owner !== writer.number && !writer.isAlive(owner)) return slot
    }
    throw coded(Error, 'ERR_IPC_LIMIT', `The topic has ${slots} subscribers already`, {
      hint: 'the limit is the maxSubscribers of the topic, given where it is made',
    })
  }

  /** Where the last `history` messages begin. */
  start() {
    const { writer, memory } = this.core.member
    const { oldest, tail, sequence } = writer
    if (this.history === 0 || oldest === tail) return { position: tail, sequence }
    let position = oldest
    let number = memory.fullSequenceAt(oldest, sequence)
    while (sequence - number > this.history) {
      position += memory.sizeAt(position, tail)
      number++
    }
    return { position, sequence: number }
  }
}
