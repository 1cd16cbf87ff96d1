/**
 * Taking what has come, into memory that it may keep.
 */
import { Buffer } from 'node:buffer'
import { memoryOf } from '../data.js'
import { coded, invalidState } from '../errors.js'
import native from '../load.js'
import { arrived, roomFor } from '../scratch.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { messageOf, SocketMessage } from './message.js'
import {
  BATCH,
  CREDENTIALS,
  END,
  FD_COUNT,
  FDS_LOST,
  FLAGS,
  GID,
  LAST,
  LENGTH,
  PARCEL,
  PID,
  RECORD,
  senderOf,
  TRUNCATED,
  UID,
  WHOLE,
  words,
} from './words.js'

/** @typedef {import('./core.js').SocketCore} SocketCore */

// By name of its own: a look into the addon, which has a hundred of them, would be felt in each message.
const { unixSocketReceive } = native

/** The bytes of a stream that are taken at once, unless more are asked for. */
const STREAM = 64 * 1024
/** However much is asked for, no more memory than this at once. A stream goes on, and no message is longer. */
const LARGEST_OF_STREAM = 1 << 20
const LARGEST = 5 << 20
/** Many messages at once: beyond it the caches lose. */
const BYTES = 256 * 1024
/** How far the room for messages grows with them. */
const LARGEST_ROOM = 1 << 20
const LARGEST_SLOT = 64 * 1024

/** @param {SocketCore} core @param {number | undefined} maxBytes undefined for whole messages */
function roomOf(core, maxBytes) {
  if (core.isStream) return Math.min(maxBytes ?? STREAM, LARGEST_OF_STREAM)
  return maxBytes === undefined ? core.room : Math.min(maxBytes, LARGEST)
}

/**
 * @param {SocketCore} core
 * @param {number | undefined} maxBytes
 * @returns {SocketMessage | null | typeof BLOCKED}
 */
export function take(core, maxBytes) {
  if (core.stash.length > 0) return unstash(core)
  if (core.ended) return null
  const room = roomOf(core, maxBytes)
  const memory = roomFor(room)
  const whole = maxBytes === undefined && !core.isStream
  if (unixSocketReceive(core.id, memory, room, whole ? WHOLE | 1 : 1) < 0) return nothing(core)
  const length = words[LENGTH]
  const flags = words[FLAGS]
  if (flags & END) return end(core)
  let data
  if (length > room) {
    data = Buffer.allocUnsafeSlow(length)
    data.set(memory.subarray(0, room))
    native.unixSocketTail(0, data, room, LAST)
    core.room = grown(length, LARGEST_ROOM)
  } else {
    data = arrived(length)
  }
  // Less than there was room for: there was no more then, and what has come since is told of. Descriptors end a read too.
  if (core.isStream && length < room && words[FD_COUNT] === 0) core.receiving.presumeExhausted()
  const message = outcome(core, 0, data)
  if (message instanceof SocketMessage) return message
  throw message
}

/**
 * The next bytes of a stream. Descriptors that come with them are closed.
 * @param {SocketCore} core
 * @param {Uint8Array} memory
 * @returns {number | typeof BLOCKED} 0 at the end
 */
function takeInto(core, memory) {
  if (core.stash.length > 0) throw unstash(core)
  if (core.ended) return 0
  if (unixSocketReceive(core.id, memory, memory.length, 1) < 0) return nothing(core) ?? 0
  const length = words[LENGTH]
  if (words[PARCEL] !== 0) native.unixParcelDrop(words[PARCEL])
  if (words[FLAGS] & END) end(core)
  else if (length < memory.length && words[FD_COUNT] === 0) core.receiving.presumeExhausted()
  return length
}

/**
 * @param {SocketCore} core
 * @param {number} max
 * @param {number | undefined} maxBytes
 * @returns {SocketMessage[] | typeof BLOCKED}
 */
function takeMany(core, max, maxBytes) {
  /** @type {SocketMessage[]} */
  const messages = []
  while (core.stash.length > 0 && messages.length < max) {
    if (messages.length > 0 && !(core.stash[0] instanceof SocketMessage)) return messages
    messages.push(unstash(core))
  }
  let bytes = 0
  while (!core.ended && messages.length < max && bytes < BYTES) {
    const slot = core.isStream || maxBytes !== undefined ? roomOf(core, maxBytes) : core.slot
    const most = Math.min(max - messages.length, BATCH, Math.max(1, Math.floor(BYTES / slot)))
    const memory = roomFor(slot * most)
    const whole = maxBytes === undefined && !core.isStream
    let count
    try {
      count = unixSocketReceive(core.id, memory, slot, whole ? WHOLE | most : most)
    } catch (error) {
      if (messages.length === 0) throw error
      core.stash.push(error)
      return messages
    }
    if (count < 0) {
      const none = nothing(core)
      return messages.length === 0 && none === BLOCKED ? BLOCKED : messages
    }
    bytes += unpack(core, count, slot, messages)
    if (core.stash.length > 0) {
      if (messages.length > 0) return messages
      unstash(core)
    }
    if (count < most) {
      // It stopped because there was no more.
      core.receiving.exhausted()
      break
    }
  }
  return messages
}

/**
 * @param {SocketCore} core
 * @param {number} count
 * @param {number} slot
 * @param {SocketMessage[]} messages where they go; from one that has failed on, they are stashed
 */
function unpack(core, count, slot, messages) {
  // As the addon moves them together.
  const rest = slot % 8 === 0 ? 7 : 0
  let size = 0
  let longest = -1
  for (let i = 0; i < count; i++) {
    const length = words[i * RECORD + LENGTH]
    if (length > slot) longest = i
    size += i === count - 1 && length <= slot ? length : (Math.min(length, slot) + rest) & ~rest
  }
  const memory = arrived(Math.min(size, count * slot))
  let from = 0
  for (let i = 0; i < count; i++) {
    const record = i * RECORD
    const length = words[record + LENGTH]
    if (words[record + FLAGS] & END) {
      end(core)
      break
    }
    let data
    if (length > slot) {
      data = Buffer.allocUnsafeSlow(length)
      data.set(memory.subarray(from, from + slot))
      native.unixSocketTail(i, data, slot, i === longest ? LAST : 0)
      core.slot = grown(length, LARGEST_SLOT)
      from += (slot + rest) & ~rest
    } else {
      data = memory.subarray(from, from + length)
      from += (length + rest) & ~rest
    }
    const message = outcome(core, record, data)
    if (message instanceof SocketMessage && core.stash.length === 0) messages.push(message)
    else core.stash.push(message)
  }
  return size
}

/**
 * The message of a record, or the error that it is.
 * @param {SocketCore} core
 * @param {number} record
 * @param {Buffer} data
 */
function outcome(core, record, data) {
  const flags = words[record + FLAGS]
  const from = core.isDatagram ? senderOf(record) : peerAddressOf(core)
  if (flags & FDS_LOST) return fdsLost(data)
  const credentials = flags & CREDENTIALS ? credentialsOf(core, record) : null
  const fdCount = words[record + FD_COUNT]
  return messageOf(data, from, credentials, (flags & TRUNCATED) !== 0, fdCount, words[record + PARCEL])
}

/** Mostly it is the one who has sent the message before. @param {SocketCore} core @param {number} record */
function credentialsOf(core, record) {
  const pid = words[record + PID]
  const uid = words[record + UID]
  const gid = words[record + GID]
  const { sender } = core
  if (sender !== null && sender.pid === pid && sender.uid === uid && sender.gid === gid) return sender
  core.sender = Object.freeze({ pid, uid, gid })
  return core.sender
}

/** @param {SocketCore} core */
function peerAddressOf(core) {
  if (core.peerAddress === undefined) core.peerAddress = native.unixSocketPeerAddress(core.id) ?? null
  return core.peerAddress
}

/** @param {Buffer} data */
function fdsLost(data) {
  return coded(
    Error,
    'ERR_IPC_FDS_LOST',
    'Descriptors of this message were lost: this process has as many open as it may',
    { data, hint: 'the limit is RLIMIT_NOFILE: raise it with ulimit -n, or close what is not needed' },
  )
}

/** @param {SocketCore} core */
function nothing(core) {
  core.receiving.exhausted()
  return core.readingShut ? end(core) : BLOCKED
}

/** @param {SocketCore} core */
function end(core) {
  core.ended = true
  return null
}

/** @param {SocketCore} core @returns {any} */
function unstash(core) {
  const message = core.stash.shift()
  if (message instanceof SocketMessage) return message
  throw message
}

/** @param {number} length @param {number} most */
function grown(length, most) {
  return Math.min(most, 2 ** Math.ceil(Math.log2(length)))
}

export class Receive extends Operation {
  /** @param {SocketCore} core @param {number | undefined} maxBytes */
  constructor(core, maxBytes) {
    super()
    this.core = core
    this.maxBytes = maxBytes
  }

  attempt() {
    return take(this.core, this.maxBytes)
  }
}

export class ReceiveInto extends Operation {
  /** @param {SocketCore} core @param {ArrayBufferView} target */
  constructor(core, target) {
    super()
    this.core = core
    this.target = target
  }

  attempt() {
    const memory = memoryOf(this.target)
    // It may have shrunk, and nothing received would be taken for the end.
    if (memory.length === 0) throw invalidState('There is no memory left to receive into')
    return takeInto(this.core, memory)
  }
}

export class ReceiveMany extends Operation {
  /** @param {SocketCore} core @param {number} max @param {number | undefined} maxBytes */
  constructor(core, max, maxBytes) {
    super()
    this.core = core
    this.max = max
    this.maxBytes = maxBytes
  }

  attempt() {
    return takeMany(this.core, this.max, this.maxBytes)
  }
}
