/**
 * The control line of one end: frames of a letter and a JSON object, with descriptors. See docs/channel-format.md.
 *
 * It is read whenever it is readable, so that the other side's end is seen; what it brings for messages waits here until
 * the message comes.
 */
import { constants } from 'node:os'
import { coded } from '../errors.js'
import native from '../load.js'
import { MOST_SUPPLIES } from './layout.js'
import { corrupt } from './ring.js'

/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {{ data: string, length: number, fds: number[], lost: boolean, pid: number, uid: number, gid: number }} Frame */
/** @typedef {{ fds: number[], lost: boolean, body: Record<string, any> }} Supply */

/** So many frames at once are no conversation: the socket does not hold as many, so the other side has no other use for them. */
const FLOOD = 1024

export class Control {
  /** @param {{ id: number, fd: number }} facts */
  constructor({ id, fd }) {
    this.id = id
    this.fd = fd
    /** The other side has hung up. */
    this.ended = false
    /** Who is there, by the kernel's word on its hello. @type {{ pid: number, uid: number, gid: number } | null} */
    this.peer = null
    /** Nobody has given it its memory yet. */
    this.bare = true
    /** Set-up that was waiting here. @type {{ side: number, fds: number[] } | undefined} */
    this.setUp = undefined
    /** What was refused to us. @type {Error | undefined} */
    this.refusal = undefined
    /** @type {Record<string, any> | undefined} */
    this.hello = undefined
    /** Descriptors that belong to messages, by sequence number. @type {Map<number, Supply>} */
    this.supplies = new Map()
  }

  /** Takes whatever has come. @returns {boolean} whether the other side has hung up */
  poll() {
    for (let count = 0; !this.ended && this.id !== 0; count++) {
      if (count === FLOOD) throw corrupt('frames without end')
      const frame = native.controlReceive(this.id)
      if (frame === null || frame === undefined) break
      if (typeof frame === 'boolean') this.ended = true
      else this.take(frame)
    }
    return this.ended
  }

  /** Finds the set-up among what has come, all of which stays there for whoever tries again. */
  findSetUp() {
    for (let count = 0, behind = 0; count < FLOOD; count++) {
      const frame = native.controlPeek(this.id, behind)
      if (frame === null || frame === undefined || typeof frame === 'boolean') return
      const { data, length, fds, lost } = frame
      try {
        if (data[0] === 'S' && lost) throw noDescriptors()
        if (data[0] === 'S' && fds.length === 3) {
          this.setUp = { side: sideOf(data), fds: fds.splice(0) }
          return
        }
      } finally {
        closeAll(fds)
      }
      behind += length
    }
  }

  /** @param {Frame} frame */
  take(frame) {
    const { data, fds } = frame
    let kept = false
    try {
      const body = bodyOf(data)
      const { pid, uid, gid } = frame
      switch (data[0]) {
        case 'H':
          this.hello = body
          if (pid >= 0) this.peer = { pid, uid, gid }
          return
        case 'S':
          // Of an end that has its memory already there is nothing to be set up.
          if (!this.bare || this.setUp !== undefined || fds.length !== 3) return
          this.setUp = { side: body.side === 1 ? 1 : 0, fds }
          kept = true
          return
        case 'E':
          this.refusal = coded(Error, wordOf(body.code, 'ERR_IPC_CORRUPT'), wordOf(body.message, ''))
          return
        case 'D': {
          const sequence = sequenceOf(body)
          const supply = this.supplies.get(sequence)
          this.supplies.delete(sequence)
          if (supply !== undefined) closeAll(supply.fds)
          return
        }
        case 'X': {
          const sequence = sequenceOf(body)
          if (this.supplies.size >= MOST_SUPPLIES || this.supplies.has(sequence))
            throw corrupt('descriptors of no message')
          this.supplies.set(sequence, { fds, lost: frame.lost, body })
          kept = true
          return
        }
        // What a later version may say.
        default:
      }
    } finally {
      if (!kept) closeAll(fds)
    }
  }

  /** What a message has announced. @param {number} sequence @returns {Supply} */
  supply(sequence) {
    // It was sent before the message.
    if (!this.supplies.has(sequence)) this.poll()
    const supply = this.supplies.get(sequence)
    if (supply === undefined) throw corrupt('a message with descriptors that were never sent')
    this.supplies.delete(sequence)
    return supply
  }

  /**
   * @param {string} letter
   * @param {Record<string, unknown>} body
   * @param {number[]} [fds] which stay the caller's
   * @returns {boolean} whether there was room
   */
  send(letter, body, fds = []) {
    return native.controlSend(this.id, letter + JSON.stringify(body), fds)
  }

  /** Has `source` told of whatever comes. @param {number} reactor @param {number} token */
  watch(reactor, token) {
    native.controlWatch(this.id, reactor, token, true)
  }

  /** The other side sees that this one has gone. */
  hangUp() {
    this.ended = true
    this.drop()
    try {
      native.controlShutdown(this.id)
    } catch {
      // It has gone by itself.
    }
  }

  close() {
    this.drop()
    const { id } = this
    this.id = 0
    native.controlClose(id)
  }

  /** Nothing that has come is wanted. */
  drop() {
    for (const { fds } of this.supplies.values()) closeAll(fds)
    this.supplies.clear()
    if (this.setUp !== undefined) closeAll(this.setUp.fds)
    this.setUp = undefined
  }
}

/** @param {string} data */
const sideOf = (data) => (bodyOf(data).side === 1 ? 1 : 0)

function noDescriptors() {
  return coded(Error, 'EMFILE', 'EMFILE: too many open files, recvmsg', {
    errno: -constants.errno.EMFILE,
    syscall: 'recvmsg',
    hint: 'the limit is RLIMIT_NOFILE',
  })
}

/** @param {string} data @returns {Record<string, any>} */
function bodyOf(data) {
  try {
    const body = JSON.parse(data.slice(1))
    if (body !== null && typeof body === 'object') return body
  } catch {
    // Said below.
  }
  throw corrupt('a frame that is not JSON')
}

/** A number and nothing that could be made one: objects have ways of their own. @param {Record<string, unknown>} body */
function sequenceOf({ sequence }) {
  if (typeof sequence === 'number' && sequence === sequence >>> 0) return sequence
  throw corrupt('a frame without a sequence number')
}

/** What the other side says, if it is a word. @param {unknown} said @param {string} fallback */
export function wordOf(said, fallback) {
  return typeof said === 'string' ? said : fallback
}

/** The control line that a socket has been so far. What cannot become one is closed. @param {UnixSocket} socket */
export function controlOf(socket) {
  const fd = socket.detach()
  try {
    return new Control(native.controlAdopt(fd, false))
  } catch (error) {
    closeAll([fd])
    throw error
  }
}

/** @param {number[]} fds which are ours */
export function closeAll(fds) {
  for (const fd of fds) native.descriptorClose(fd)
}
