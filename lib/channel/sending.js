/**
 * Sending: what does not fit waits in the order of the calls, in pieces if it is larger than the ring.
 */
import { coded, invalidType, invalidValue } from '../errors.js'
import { parcelOf } from '../handover.js'
import native from '../load.js'
import { FOR_EVER } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { closeAll } from './control.js'
import { HANDLES, recordSize } from './layout.js'
import { copyOf, endCopy, expect } from './spare.js'

/** @typedef {import('./core.js').ChannelCore} ChannelCore */
/** @typedef {import('./outgoing.js').Outgoing} Outgoing */
/** @typedef {ReturnType<typeof parcelOf>} Parcel */

/** What begins a message in pieces. */
const START_SIZE = 16
const HANDLES_SIZE = 16
const MOST_DESCRIPTORS = 253

/** @param {ChannelCore} core @param {Uint8Array} payload */
export function checkLength(core, payload) {
  const most = core.facts.maxMessageSize
  if (payload.byteLength <= most) return
  throw coded(Error, 'EMSGSIZE', `EMSGSIZE: the message has ${payload.byteLength} bytes, and the most is ${most}`, {
    hint: 'the limit is the maxMessageSize of the channel, given where it is made',
  })
}

/** Throws where nothing can be sent any more. @param {ChannelCore} core */
export function checkPeer(core) {
  if (core.failure !== undefined) throw core.failure
  if (core.gone) throw core.broken()
}

/**
 * What is to travel with a message, checked: nothing has happened by then.
 * @param {unknown} handles
 * @returns {Parcel[]}
 */
export function parcelsOf(handles) {
  if (handles === undefined) return []
  if (!Array.isArray(handles)) throw invalidType('options.handles', 'an array', handles)
  const given = Array.from(handles)
  const parcels = given.map((handle, index) => parcelOf(handle, `options.handles[${index}]`))
  parcels.forEach(({ moves }, index) => {
    if (moves && given.indexOf(given[index]) !== index) {
      throw invalidValue(`options.handles[${index}]`, given[index], 'must not be there twice, for it moves')
    }
  })
  const count = parcels.reduce((sum, { fds }) => sum + fds.length, 0)
  if (count > MOST_DESCRIPTORS) {
    throw coded(
      Error,
      'ERR_IPC_LIMIT',
      `The handles have ${count} descriptors, and a message has at most ${MOST_DESCRIPTORS}`,
    )
  }
  return parcels
}

/**
 * Whether there is room for `size` bytes. If not, there will be a look in a later turn of the event loop, or the other side rings.
 * @param {ChannelCore} core
 * @param {number} size
 * @param {'sending' | 'making'} name who wants it
 */
export function hasRoom(core, size, name) {
  const { outgoing } = core
  // Whoever looks in each turn would find room for one message each time.
  if (outgoing.fits(core.patience[name].looking ? outgoing.plenty(size) : size)) return true
  while (!core.isPatient(name)) {
    if (outgoing.sleep(size)) return false
    if (outgoing.fits(size)) return true
  }
  return false
}

const NOTHING = new Uint8Array(0)

const WAITING = 0
const OFFERED = 1
const IN_PIECES = 2
const SENT = 3

/** One message on its way into the ring. */
export class Send extends Operation {
  /**
   * @param {ChannelCore} core
   * @param {Uint8Array} payload
   * @param {Parcel[]} parcels
   * @param {boolean} fresh whether the payload is nobody else's
   */
  constructor(core, payload, parcels, fresh) {
    super()
    this.core = core
    /** What is still to be sent, from `done` on. */
    this.payload = payload
    this.byteLength = payload.byteLength
    this.parcels = parcels
    /** Descriptors of handles that their owner may close meanwhile. @type {Map<Parcel, number[]>} */
    this.copies = new Map()
    this.fresh = fresh
    if (fresh) expect(this.byteLength)
    this.copied = false
    this.state = WAITING
    /** Of a message in pieces: up to where the payload is sent. */
    this.done = 0
    /** Rendezvous: where the offer begins. */
    this.start = 0
    this.sequence = 0
  }

  get mayFail() {
    return true
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    if (!this.fresh) {
      this.payload = copyOf(this.done === 0 ? this.payload : this.payload.subarray(this.done))
      this.done = 0
      this.copied = true
    }
    this.fresh = true
    // And with handles that stay his.
    for (const parcel of this.parcels) {
      if (parcel.moves || parcel.fds.length === 0 || this.copies.has(parcel)) continue
      this.copies.set(parcel, native.descriptorsCopy(parcel.fds))
    }
  }

  /** Nothing of the payload is needed any more. */
  dropPayload() {
    const { payload } = this
    this.payload = NOTHING
    if (this.copied) endCopy(payload)
    this.copied = false
  }

  /** The copies have gone, or are not wanted. */
  settle() {
    for (const fds of this.copies.values()) closeAll(fds)
    this.copies.clear()
  }

  attempt() {
    const { core } = this
    // Whoever has taken it may have gone since.
    const taken = this.state === OFFERED && !this.inPieces && core.failure === undefined && core.outgoing.isTaken
    if (this.state !== SENT && !taken) checkPeer(core)
    return core.guard(() => this.proceed(core.outgoing))
  }

  /** @param {Outgoing} outgoing */
  proceed(outgoing) {
    if (this.state === WAITING && !this.begin(outgoing)) return BLOCKED
    this.settle()
    if (this.state === OFFERED) {
      while (!outgoing.collect()) {
        if (outgoing.sleepUntilOfferTaken()) return BLOCKED
      }
      this.state = this.inPieces ? IN_PIECES : SENT
    }
    if (this.state === IN_PIECES) {
      for (;;) {
        this.done = outgoing.putPieces(this.payload, this.done)
        if (this.done === this.payload.byteLength) break
        const next = Math.min(outgoing.piece, this.payload.byteLength - this.done)
        if (!hasRoom(this.core, recordSize(next), 'sending')) return BLOCKED
      }
      this.state = SENT
    }
    this.dropPayload()
    outgoing.sent++
    outgoing.bytesSent += this.byteLength
    for (const { handedOver } of this.parcels) handedOver()
    return undefined
  }

  /** Whether the first of it is in the ring, so that the rest has to follow. */
  get begun() {
    return this.state === OFFERED || this.state === IN_PIECES
  }

  /** Whether it makes sense to begin it without waiting: it fits, or the other side has all of the ring for it. @param {Outgoing} outgoing */
  canBegin(outgoing) {
    if (!this.inPieces) return true
    const { byteLength } = this
    const records = Math.ceil(byteLength / outgoing.piece)
    const size = byteLength + records * 2 * 8 + START_SIZE + HANDLES_SIZE
    return outgoing.fits(size) || outgoing.hasTaken(outgoing.tail)
  }

  get inPieces() {
    return this.byteLength > this.core.outgoing.largest
  }

  /**
   * The first record of the message, with what has to stand before it; all of it or nothing.
   * @param {Outgoing} outgoing
   */
  begin(outgoing) {
    const { core, payload, parcels, byteLength } = this
    const { inPieces } = this
    const first = inPieces ? START_SIZE : recordSize(byteLength)
    const size = first + (parcels.length > 0 ? HANDLES_SIZE : 0)
    if (core.facts.rendezvous && outgoing.used !== 0) {
      // A message that was given up in pieces, or the rest of the last one.
      if (outgoing.sleepUntilTaken(outgoing.tail)) return false
    }
    if (!hasRoom(core, outgoing.aborting ? size + 8 : size, 'sending')) return false
    if (outgoing.aborting) outgoing.abort()
    if (parcels.length > 0 && !core.travelling.mayGo) return false
    // From here on there is room, and nothing comes between.
    if (parcels.length > 0 && !this.announce()) return false
    this.start = outgoing.tail
    if (parcels.length > 0) outgoing.putRecord(HANDLES, pair(this.sequence, parcels.length))
    if (inPieces) outgoing.announce(byteLength)
    else outgoing.put(payload)
    if (parcels.length > 0) core.travelling.gone(outgoing.tail)
    if (core.facts.rendezvous) {
      outgoing.offer()
      this.state = OFFERED
    } else {
      this.state = inPieces ? IN_PIECES : SENT
    }
    return true
  }

  /** Sends the handles on the control line, before the message that they belong to. */
  announce() {
    const { core, parcels } = this
    this.sequence = core.sequence
    const handles = parcels.map(({ kind, fds, meta }) => ({ kind, fds: fds.length, meta }))
    const fds = parcels.flatMap((parcel) => this.copies.get(parcel) ?? parcel.fds)
    const left = []
    let sent = false
    try {
      for (const parcel of parcels) {
        // It may have been closed while this was waiting.
        if (!this.copies.has(parcel)) parcel.check()
        parcel.leave()
        left.push(parcel)
      }
      sent = core.sendFrame('X', { sequence: core.sequence, handles }, fds)
    } finally {
      if (!sent) for (const parcel of left) parcel.stay()
    }
    if (sent) core.sequence = (core.sequence + 1) >>> 0
    return sent
  }

  /** Whether the other side has taken it although it was to be given up. */
  get escaped() {
    const { core } = this
    if (this.state !== OFFERED || !core.attached || core.failure !== undefined) return false
    if (!core.outgoing.withdraw(this.start)) return true
    this.state = WAITING
    this.forget()
    return false
  }

  /** What is on the control line for a message that is not coming. */
  forget() {
    if (this.parcels.length === 0) return
    try {
      this.core.control.send('D', { sequence: this.sequence })
    } catch {
      // It has gone, and with it what it was to forget.
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.escaped) this.direction?.onReady()
    else super.abort(reason)
  }

  /** @param {Error} error */
  expire(error) {
    const { direction } = this
    direction?.onReady()
    if (this.direction === undefined) return
    if (this.escaped) direction?.onReady()
    else direction?.fail(this, error)
  }

  /** @param {unknown} error */
  failure(error) {
    const { core } = this
    this.settle()
    this.dropPayload()
    core.unsent++
    if (!core.attached || core.failure !== undefined) return error
    try {
      if (this.state === IN_PIECES) core.outgoing.abort()
      else if (this.state === OFFERED && core.outgoing.withdraw(this.start)) this.forget()
      else if (this.state === OFFERED && this.inPieces) core.outgoing.abort()
    } catch (failure) {
      // It is given up all the same; what the other side has written is the next one's error.
      core.broke(failure)
    }
    return error
  }
}

/** Waits until it is the first in the queue, without doing anything then. */
export class Mark extends Operation {
  /** @param {ChannelCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    return this.core.outgoing.tail
  }
}

/** Waits until the other side has received everything up to `position`. */
export class Flush extends Operation {
  /** @param {ChannelCore} core @param {number} position */
  constructor(core, position) {
    super()
    this.core = core
    this.position = position
  }

  get mayFail() {
    return true
  }

  attempt() {
    const { core, position } = this
    return core.guard(() => {
      const outgoing = core.outgoing
      if (outgoing.hasTaken(position)) return undefined
      checkPeer(core)
      return outgoing.sleepUntilTaken(position) ? BLOCKED : undefined
    })
  }
}

/**
 * Without a bound nobody waits: what does not fit is kept here, in order.
 * @param {ChannelCore} core
 * @param {Send} send
 */
export async function sendUnbounded(core, send) {
  const { byteLength } = send.payload
  if (core.sending.head === undefined && send.attempt() !== BLOCKED) return
  if (!send.begun && core.queued + byteLength > core.maxQueued) throw tooMuchQueued(core.maxQueued)
  core.queued += byteLength
  core.sending
    .enqueue(send, FOR_EVER)
    .catch(() => {})
    .finally(() => {
      core.queued -= byteLength
    })
}

/** @param {number} most */
function tooMuchQueued(most) {
  return coded(Error, 'ERR_IPC_LIMIT', `As much as ${most} bytes wait already for the other side to receive`, {
    hint: 'the limit is maxQueued',
  })
}

/** @param {number} first @param {number} second */
function pair(first, second) {
  return new Uint8Array(Uint32Array.of(first, second).buffer)
}
