/**
 * Messages without a copy: memory of the ring itself, lent to the program. It is a mapping of its own, so whatever is done
 * with it (a buffer that is transferred, an index that is wrong) reaches no more than messages.
 */
import { Buffer } from 'node:buffer'
import { coded, invalidState, notSupported, timedOut } from '../errors.js'
import { integer } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { RECORD, recordSize } from './layout.js'
import { take } from './receiving.js'
import { checkPeer, hasRoom } from './sending.js'

/** @typedef {import('./core.js').ChannelCore} ChannelCore */

/** What is over has no bytes. */
const NONE = Buffer.alloc(0)

const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose')

/** @param {ChannelCore} core */
function refuseStrangers(core) {
  if (core.trusted) return
  const { stranger } = core
  if (stranger === undefined) return
  throw notSupported(`The other side is uid ${stranger.uid}: memory is lent between processes of one user only`)
}

/** A message in the ring. */
class Borrowed {
  /** @type {ChannelCore | undefined} */
  #core
  #size

  /** @param {ChannelCore} core @param {Uint8Array} bytes @param {number} size of its record; 0 if it is no longer in the ring */
  constructor(core, bytes, size) {
    this.#core = core
    this.#size = size
    this.bytes = bytes
  }

  release() {
    const core = this.#core
    if (core === undefined) return
    this.#core = undefined
    this.bytes = NONE
    core.borrowed = false
    if (core.id === 0 || core.failure !== undefined) return
    core.judge()
    if (this.#size > 0) core.incoming.advance(this.#size)
    if (core.receiving.head !== undefined) core.receiving.onReady()
  }

  [dispose]() {
    this.release()
  }
}

/** The next message where it stands, null at the end, or BLOCKED. @param {ChannelCore} core @returns {any} */
export function borrow(core) {
  refuseStrangers(core)
  if (core.borrowed) throw invalidState('A message is borrowed already: release it first')
  const { incoming, facts } = core
  try {
    const length = core.stashed === undefined && !facts.checksum ? incoming.nextLength : -1
    if (length < 0) return borrowCopy(core)
    const from = (incoming.head & incoming.mask) + RECORD
    const memory = core.lend(1 - facts.side)
    incoming.count(length)
    if (incoming.handles !== undefined) core.dropHandles()
    return lent(core, new Uint8Array(memory, from, length), recordSize(length))
  } catch (error) {
    throw core.broke(error)
  }
}

/**
 * The same where nothing can stand in the way: of a channel of this user's, without checksums. Undefined if there is no plain
 * message.
 * @param {ChannelCore} core
 */
export function borrowPlain(core) {
  const { incoming } = core
  try {
    const length = incoming.nextLength
    if (length < 0 || incoming.handles !== undefined) return undefined
    const from = (incoming.head & incoming.mask) + RECORD
    const bytes = new Uint8Array(core.lend(1 - core.facts.side), from, length)
    incoming.count(length)
    return lent(core, bytes, (length + RECORD + 7) & ~7)
  } catch (error) {
    throw core.broke(error)
  }
}

/** One that was put together from pieces, or checked: that is a copy already. @param {ChannelCore} core */
function borrowCopy(core) {
  const message = take(core)
  if (message === BLOCKED || message === null) return message
  core.dropHandles()
  return lent(core, message, 0)
}

/** @param {ChannelCore} core @param {Uint8Array} bytes @param {number} size */
function lent(core, bytes, size) {
  const borrowed = new Borrowed(core, bytes, size)
  core.borrowed = true
  core.receivesFast = false
  return borrowed
}

export class Borrow extends Operation {
  /** @param {ChannelCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    for (;;) {
      const borrowed = borrow(this.core)
      if (borrowed !== BLOCKED || this.core.rests()) return borrowed
    }
  }
}

/** Room in the ring, for a message that is written there. */
class Reservation {
  /** @type {ChannelCore | undefined} */
  #core
  /** @type {() => void} */
  #free
  #size

  /** @param {ChannelCore} core @param {Uint8Array} bytes @param {() => void} free lets the sends behind it go on */
  constructor(core, bytes, free) {
    this.#core = core
    this.#free = free
    this.#size = bytes.byteLength
    this.bytes = bytes
  }

  /** @param {number} [length] */
  commit(length) {
    const core = this.#core
    if (core === undefined) throw invalidState('The reservation is over')
    const given = length === undefined ? this.#size : integer('length', length, 0, this.#size)
    this.#end()
    try {
      core.check()
      checkPeer(core)
      core.outgoing.commit(given)
    } finally {
      this.#free()
    }
  }

  cancel() {
    if (this.#core === undefined) return
    this.#end()
    this.#free()
  }

  #end() {
    const core = this.#core
    this.#core = undefined
    this.bytes = NONE
    if (core === undefined) return
    core.reserved = false
    core.judge()
  }

  [dispose]() {
    this.cancel()
  }
}

/** @param {ChannelCore} core @param {unknown} length */
function check(core, length) {
  const size = integer('length', length, 1)
  const { largestWhole } = core.outgoing
  if (core.facts.rendezvous) throw notSupported('A rendezvous has no room that could be reserved')
  if (size > largestWhole) {
    throw coded(Error, 'EMSGSIZE', `EMSGSIZE: ${size} bytes are more than the ${largestWhole} that can be reserved`, {
      hint: 'half of the capacity, given where the channel is made',
    })
  }
  refuseStrangers(core)
  checkPeer(core)
  return size
}

class Room extends Operation {
  /** @param {ChannelCore} core @param {number} length */
  constructor(core, length) {
    super()
    this.core = core
    this.length = length
  }

  get mayFail() {
    return true
  }

  /** @returns {any} */
  attempt() {
    const { core, length } = this
    checkPeer(core)
    return core.guard(() => {
      const outgoing = core.outgoing
      if (outgoing.aborting && !outgoing.abort()) return outgoing.sleep(8) ? BLOCKED : this.attempt()
      return hasRoom(core, recordSize(length), 'making') || BLOCKED
    })
  }
}

/**
 * @param {ChannelCore} core
 * @param {unknown} length
 * @param {import('../validate.js').Wait} wait
 */
export async function reserve(core, length, wait) {
  const size = check(core, length)
  const deadline = performance.now() + wait.timeout
  // Sends wait behind it, from here to its end.
  const free = await core.sending.hold(wait)
  try {
    const room = new Room(core, size)
    if (room.attempt() === BLOCKED) {
      const left = Math.max(0, deadline - performance.now())
      if (left === 0) throw timedOut()
      await core.making.submit(room, { timeout: left, signal: wait.signal })
    }
    core.check()
    return reservation(core, size, free)
  } catch (error) {
    free()
    throw error
  }
}

/** @param {ChannelCore} core @param {unknown} length */
export function reserveNow(core, length) {
  const size = check(core, length)
  if (core.sending.head !== undefined) core.sending.onReady()
  if (core.sending.head !== undefined || new Room(core, size).attempt() === BLOCKED) return undefined
  const free = core.sending.holdNow()
  try {
    return reservation(core, size, free)
  } catch (error) {
    free()
    throw error
  }
}

/** @param {ChannelCore} core @param {number} size @param {() => void} free */
function reservation(core, size, free) {
  const outgoing = core.outgoing
  const bytes = new Uint8Array(core.lend(core.facts.side), (outgoing.tail & outgoing.mask) + RECORD, size)
  core.reserved = true
  core.judge()
  return new Reservation(core, bytes, free)
}
