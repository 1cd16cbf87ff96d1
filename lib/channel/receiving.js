/**
 * Taking messages: what a receive that waits does when its turn comes.
 */
import { isPlainBytes, isShared, lengthOf, memoryOf, plain } from '../data.js'
import { coded, invalidState } from '../errors.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { MEDIUM, NOTHING } from './incoming.js'
import { endArrival } from './spare.js'

/** @typedef {import('./core.js').ChannelCore} ChannelCore */

/** Bytes of the messages that are taken at once: beyond it caches lose. */
const BATCH = 256 * 1024

const NOWHERE = new Uint8Array(0)

/**
 * The next message; null at the end; BLOCKED if there is none yet.
 * @param {ChannelCore} core
 * @param {Uint8Array} [target] where a message in pieces may be put together: then it is a view of that
 * @returns {any}
 */
export function take(core, target = NOWHERE) {
  return core.guard(() => {
    const incoming = core.incoming
    if (core.borrowed) throw invalidState('A message is borrowed: release it first')
    if (core.stashed !== undefined) return core.unstash()
    if (core.facts.codec === 'structured' && !core.trusted) refuseStrangers(core)
    const message = target === NOWHERE ? incoming.take() : incoming.takeTo(target, core.patience.receiving.pays)
    if (message !== NOTHING) return message
    return core.gone && !incoming.tired ? core.outcome() : BLOCKED
  })
}

/** The same for one that waits: whoever sends the next message will ring. @param {ChannelCore} core @returns {any} */
export function takeOrSleep(core) {
  for (;;) {
    const message = take(core)
    if (message !== BLOCKED) return message
    if (core.rests()) return BLOCKED
  }
}

/** What v8.deserialize makes of a stranger's bytes is not to be trusted. @param {ChannelCore} core */
function refuseStrangers(core) {
  const { stranger } = core
  if (stranger === undefined) return
  const error = coded(
    Error,
    'ERR_IPC_UNTRUSTED_OWNER',
    `The other side is uid ${stranger.uid}: 'structured' is refused`,
  )
  core.poison(error)
  throw error
}

export class Take extends Operation {
  /** @param {ChannelCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    const message = takeOrSleep(this.core)
    if (message !== BLOCKED) this.core.dropHandles()
    return message
  }
}

export class TakeEnvelope extends Operation {
  /** @param {ChannelCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    const message = takeOrSleep(this.core)
    return message === BLOCKED || message === null ? message : this.core.envelope(message)
  }
}

export class TakeMany extends Operation {
  /** @param {ChannelCore} core @param {number} max */
  constructor(core, max) {
    super()
    this.core = core
    this.max = max
  }

  attempt() {
    const { core } = this
    const first = takeOrSleep(core)
    if (first === BLOCKED) return BLOCKED
    if (first === null) return []
    core.dropHandles()
    const messages = takeMore(core, [first], this.max)
    // The one that was paid for is among them.
    core.credits -= messages.length - 1
    return messages
  }
}

/**
 * All that is there by now, up to so many.
 * @param {ChannelCore} core
 * @param {unknown[]} messages
 * @param {number} max
 */
export function takeMore(core, messages, max) {
  const incoming = core.incoming
  const start = incoming.bytesReceived
  try {
    while (messages.length < max && incoming.bytesReceived - start < BATCH) {
      const message = incoming.take()
      if (message === NOTHING) break
      if (incoming.handles !== undefined) core.dropHandles()
      messages.push(message)
    }
  } catch (error) {
    // What was taken before is delivered; the next receive says what is wrong.
    core.poison(error)
  }
  return messages
}

export class TakeInto extends Operation {
  /** @param {ChannelCore} core @param {ArrayBufferView} target */
  constructor(core, target) {
    super()
    this.core = core
    this.target = target
  }

  attempt() {
    for (;;) {
      const count = takeInto(this.core, this.target)
      if (count !== BLOCKED || this.core.rests()) return count
    }
  }
}

/**
 * The next message into memory of the caller's: its length, null at the end, or BLOCKED. One that is too long stays.
 * @param {ChannelCore} core
 * @param {ArrayBufferView} target
 * @returns {any}
 */
export function takeInto(core, target) {
  const memory = isPlainBytes(target) ? target : memoryOf(target)
  const room = lengthOf(memory)
  const incoming = core.incoming
  if (core.borrowed) throw invalidState('A message is borrowed: release it first')
  try {
    const next = core.stashed === undefined ? incoming.nextLength : -1
    if (next < 0) return takeOtherInto(core, memory, room)
    if (next > room) throw tooLong(next, room)
    incoming.copyInto(memory, next)
    if (incoming.handles !== undefined) core.dropHandles()
    return next
  } catch (error) {
    throw core.broke(error)
  }
}

/**
 * The same for a message that has to be put together, or that has been.
 * @param {ChannelCore} core
 * @param {Uint8Array} memory
 * @param {number} room
 * @returns {any}
 */
function takeOtherInto(core, memory, room) {
  const { incoming } = core
  const announced = core.stashed === undefined ? incoming.announcedLength : -1
  if (announced > room) throw tooLong(announced, room)
  const begins = announced > 0 && incoming.partial === undefined
  const target = begins && !isShared(memory) ? plain(memory) : NOWHERE
  const message = take(core, target)
  if (message === BLOCKED || message === null) return message
  if (message.length > room) {
    core.stash(message)
    throw tooLong(message.length, room)
  }
  const { length } = message
  if (message.buffer !== target.buffer) {
    Uint8Array.prototype.set.call(memory, message)
    // Shorter ones share their memory with others.
    if (length > MEDIUM) endArrival(message)
  }
  core.dropHandles()
  return length
}

/** @param {number} length @param {number} room */
function tooLong(length, room) {
  return coded(Error, 'EMSGSIZE', `EMSGSIZE: the message has ${length} bytes, and there is room for ${room}`)
}
