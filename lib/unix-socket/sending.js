/**
 * Sending messages, one by one or many by one call, and the bytes of a stream in as many pieces as there is room for.
 */
import { Buffer } from 'node:buffer'
import { telling } from '../errors.js'
import native from '../load.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { numberOf } from './address.js'
import { BATCH, FDS, PARCELLED, TO, words } from './words.js'

/** @typedef {import('./core.js').SocketCore} SocketCore */
/** @typedef {import('./outgoing.js').Outgoing} Outgoing */

// By name of its own: a look into the addon, which has a hundred of them, would be felt in each message.
const { unixSocketSend, unixSocketSendMany } = native

/** Many messages at once: larger ones go alone, without a copy. */
const BYTES = 256 * 1024
const ALONE = 16 * 1024

let packed = Buffer.alloc(0)

/**
 * @param {SocketCore} core
 * @param {Uint8Array} data
 * @param {number} from
 * @param {string | undefined} to
 * @param {number[] | undefined} fds
 * @param {number} parcel in place of them
 * @returns {number | typeof BLOCKED} the bytes sent
 */
export function put(core, data, from, to, fds, parcel) {
  words[TO] = to === undefined ? 0 : numberOf(to)
  let beside = 0
  if (parcel !== 0) {
    words[FDS] = parcel
    beside = PARCELLED
  } else if (fds !== undefined) {
    words.set(fds, FDS)
    beside = fds.length
  }
  const count = unixSocketSend(core.id, data, from, beside)
  return counted(core, count)
}

/** @param {SocketCore} core @param {number} count @returns {number | typeof BLOCKED} */
function counted(core, count) {
  if (count >= 0) {
    core.elsewhere.progress()
    return count
  }
  core.sending.exhausted()
  return BLOCKED
}

/** Tries once, for who does not wait. @param {SocketCore} core @param {Outgoing} message */
export function tryPut(core, { data, to, fds }) {
  return put(core, data, 0, to, fds, 0)
}

/** One message, or all bytes of a stream. */
export class Send extends Operation {
  /** @param {SocketCore} core @param {Outgoing} message */
  constructor(core, message) {
    super()
    this.core = core
    /** For when the handle is closed. */
    this.id = core.id
    this.data = message.data
    this.to = message.to
    this.fds = message.fds
    /** What the addon keeps of them. */
    this.parcel = 0
    this.sent = 0
    /** How much had been sent when what is left was copied: `data` begins there. */
    this.base = 0
  }

  attempt() {
    try {
      if (this.put() === BLOCKED) return this.blocked()
    } catch (error) {
      this.done()
      throw error
    }
    this.done()
    return undefined
  }

  /** @returns {undefined | typeof BLOCKED} */
  put() {
    const { core, to } = this
    if (!core.isStream) return put(core, this.data, 0, to, this.fds, this.parcel) === BLOCKED ? BLOCKED : undefined
    const end = this.base + this.data.length
    while (this.sent < end) {
      const count = put(core, this.data, this.sent - this.base, to, this.fds, this.parcel)
      if (count === BLOCKED) return BLOCKED
      this.sent += count
      // They have gone with the first piece.
      this.done()
    }
    return undefined
  }

  /** @returns {typeof BLOCKED} */
  blocked() {
    if (this.direction !== undefined && this.to !== undefined) this.core.elsewhere.await(this.to)
    return BLOCKED
  }

  get mayFail() {
    return true
  }

  /** The caller may do with the memory and the descriptors what he likes from here on. */
  queued() {
    if (this.fds !== undefined) {
      this.parcel = hold(this.fds)
      this.fds = undefined
    }
    this.data = Buffer.from(this.data.subarray(this.sent - this.base))
    this.base = this.sent
    if (this.to !== undefined && this.core.sending.head === undefined) this.core.elsewhere.await(this.to)
  }

  done() {
    this.fds = undefined
    if (this.parcel !== 0) native.unixParcelDrop(this.parcel)
    this.parcel = 0
  }

  /** @param {unknown} error */
  failure(error) {
    this.done()
    return this.core.isStream ? gaveUp(this.core, this.id, this.sent, error) : error
  }
}

/** Many messages, in as few calls as can be. */
export class SendMany extends Operation {
  /** @param {SocketCore} core @param {Outgoing[]} messages */
  constructor(core, messages) {
    super()
    this.core = core
    this.id = core.id
    this.messages = messages
    /** By message: what the addon keeps of their descriptors. @type {number[]} */
    this.parcels = []
    /** How many have been sent. */
    this.position = 0
    /** How much of a stream's next one, and in all. */
    this.begun = 0
    this.sent = 0
  }

  attempt() {
    try {
      while (this.position < this.messages.length) {
        const count = this.pack()
        const done = count > 1 ? this.putMany(count) : this.putNext()
        if (done === BLOCKED) return this.blocked()
      }
    } catch (error) {
      throw this.told(error)
    }
    return undefined
  }

  /** How many of the next ones go together; they stand in `packed` if there is more than one. */
  pack() {
    const { messages, position } = this
    const first = messages[position]
    let size = 0
    let count = 0
    while (count < BATCH && position + count < messages.length) {
      const { data, to, fds } = messages[position + count]
      const beside = fds !== undefined || this.parcels[position + count] > 0
      if (beside || to !== first.to || data.length > ALONE || size + data.length > BYTES) break
      size += data.length
      count++
    }
    if (count < 2) return count
    if (packed.length < size) packed = Buffer.allocUnsafeSlow(BYTES)
    let at = 0
    for (let i = 0; i < count; i++) {
      let { data } = messages[position + i]
      if (i === 0 && this.begun > 0) data = data.subarray(this.begun)
      packed.set(data, at)
      words[i] = data.length
      at += data.length
    }
    return count
  }

  /** @param {number} count @returns {undefined | typeof BLOCKED} */
  putMany(count) {
    const { core } = this
    if (core.isStream) {
      let size = 0
      for (let i = 0; i < count; i++) size += words[i]
      return this.went(put(core, packed.subarray(0, size), 0, undefined, undefined, 0))
    }
    const { to } = this.messages[this.position]
    words[TO] = to === undefined ? 0 : numberOf(to)
    const sent = counted(core, unixSocketSendMany(core.id, packed, count))
    if (sent === BLOCKED) return BLOCKED
    this.position += sent
    return undefined
  }

  /** @returns {undefined | typeof BLOCKED} */
  putNext() {
    const { data, to, fds } = this.messages[this.position]
    const parcel = this.parcels[this.position] ?? 0
    const sent = put(this.core, data, this.begun, to, this.begun > 0 ? undefined : fds, this.begun > 0 ? 0 : parcel)
    if (sent === BLOCKED) return BLOCKED
    this.drop(this.position)
    if (this.core.isStream) return this.went(sent)
    this.position++
    return undefined
  }

  /** So many bytes of a stream are gone. @param {number | typeof BLOCKED} bytes */
  went(bytes) {
    if (bytes === BLOCKED) return BLOCKED
    const { messages } = this
    this.sent += bytes
    this.begun += bytes
    while (this.position < messages.length && this.begun >= messages[this.position].data.length) {
      // Descriptors would be forgotten with bytes that went before them.
      this.begun -= messages[this.position++].data.length
    }
    return undefined
  }

  /** @returns {typeof BLOCKED} */
  blocked() {
    const { to } = this.messages[this.position]
    if (this.direction !== undefined && to !== undefined) this.core.elsewhere.await(to)
    return BLOCKED
  }

  get mayFail() {
    return true
  }

  /** The caller may do with the memory and the descriptors what he likes from here on. */
  queued() {
    const { messages, position } = this
    const rest = messages.slice(position)
    this.messages = [
      ...messages.slice(0, position),
      ...rest.map((message) => ({ ...message, data: Buffer.from(message.data) })),
    ]
    for (let i = position; i < this.messages.length; i++) {
      const message = this.messages[i]
      if (message.fds === undefined) continue
      this.parcels[i] = hold(message.fds)
      message.fds = undefined
    }
    const { to } = this.messages[position]
    if (to !== undefined && this.core.sending.head === undefined) this.core.elsewhere.await(to)
  }

  /** @param {number} index */
  drop(index) {
    const parcel = this.parcels[index]
    if (parcel === undefined || parcel === 0) return
    native.unixParcelDrop(parcel)
    this.parcels[index] = 0
  }

  /** @param {unknown} error */
  told(error) {
    for (const index of this.parcels.keys()) this.drop(index)
    return telling(error, () => ({ messagesSent: this.position }))
  }

  /** @param {unknown} error */
  failure(error) {
    this.told(error)
    return this.core.isStream && this.begun > 0 ? gaveUp(this.core, this.id, this.sent, error) : error
  }
}

/**
 * The error of a send that was given up tells how far it got. Half a message is on its way for good: whatever followed
 * would be taken for its rest, so nothing can.
 * @param {SocketCore} core
 * @param {number} id its number, for when it is closed
 * @param {number} sent
 * @param {unknown} error
 */
function gaveUp(core, id, sent, error) {
  // An abort's reason may be that of many sends: one that has begun is not to be overwritten by one that has not.
  telling(error, (given) => (sent > 0 || !('bytesSent' in given) ? { bytesSent: sent } : undefined))
  if (sent === 0) return error
  try {
    native.unixSocketShutdown(id, 1)
  } catch {
    // The connection has gone already.
  }
  core.sendsNoMore()
  return error
}

/** @param {number[]} fds @returns {number} the number of a parcel of copies */
export function hold(fds) {
  words.set(fds, FDS)
  return native.unixParcelHold(fds.length)
}
