/**
 * The way to one other process: a connection, made when it is needed and kept while it is used, and who waits to send.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { coded } from '../errors.js'
import native from '../load.js'
import { socketOf, TYPES } from '../unix-socket/core.js'
import { take } from '../unix-socket/receiving.js'
import { put } from '../unix-socket/sending.js'
import { opened } from '../unix-socket/socket.js'
import { BLOCKED, Direction } from '../wait/direction.js'
import { isThread, placesOf, startOf } from './place.js'
import { relay } from './relay.js'

/** @typedef {import('./core.js').EndpointCore} EndpointCore */
/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {import('../process/handle.js').ProcessHandle} ProcessHandle */

const SEQPACKET = TYPES.indexOf('seqpacket')
/** What is asked for; the kernel gives up to net.core.wmem_max, twice, and that is the longest message. */
const BUFFER = 1 << 20
/** Milliseconds between looks for an endpoint that is not there yet. */
const PAUSE = 2
const LONGEST_PAUSE = 50

const ESRCH = -3
/** Nobody listens: there is none, or it is closed, or what stands there is not for this user. */
const ABSENT = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTDIR', 'ENOTSOCK'])
/** The other side has gone. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ENOTCONN'])
/** What the kernel says of a descriptor for a process that has been reaped. */
const REAPED = new Set(['ESRCH', 'EINVAL', 'ENODATA'])

export class Outgoing {
  /** @param {EndpointCore} core @param {number} pid */
  constructor(core, pid) {
    this.core = core
    this.pid = pid
    this.sending = new Direction(core, () => {})
    /** @type {UnixSocket | undefined} */
    this.socket = undefined
    /** Who is at the other end: not whoever has that number later. @type {ProcessHandle | undefined} */
    this.process = undefined
    /** Whether the connection tells of room. */
    this.relayed = false
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    this.pause = PAUSE
    this.usedAt = 0
  }

  /**
   * Sends one message, without waiting.
   * @param {Uint8Array} data
   * @param {number[] | undefined} fds
   * @param {number} parcel in place of them
   * @returns {number | typeof BLOCKED}
   */
  put(data, fds, parcel) {
    for (;;) {
      const fresh = this.socket === undefined
      if (!this.connected()) return BLOCKED
      const { socket } = this
      if (socket === undefined) return BLOCKED
      try {
        const sent = put(socketOf(socket), data, 0, undefined, fds, parcel)
        if (sent !== BLOCKED) this.usedAt = performance.now()
        return sent
      } catch (error) {
        const { code } = /** @type {any} */ (error)
        if (code === 'EMSGSIZE') throw tooLong(error, data.length)
        if (!GONE.has(code)) throw error
        this.disconnect()
        // It has closed; maybe it has opened again. Not over and over: it may do nothing else.
        if (fresh) return BLOCKED
      }
    }
  }

  /** Whether there is a connection, to a process that lives. */
  connected() {
    if (this.socket !== undefined) {
      if (this.process === undefined || this.process.alive) return true
      this.disconnect()
    }
    return this.connect()
  }

  /** Connects where there is an endpoint. Throws if there is no such process, or if somebody else stands in its place. */
  connect() {
    const { core, pid } = this
    const start = startOf(pid)
    if (start === undefined) throw noProcess(pid)
    for (const path of placesOf(pid, start, core.others)) {
      let facts
      try {
        facts = native.unixSocketConnect(SEQPACKET, path)
      } catch (error) {
        if (ABSENT.has(/** @type {any} */ (error).code)) continue
        throw error
      }
      // More have connected than it has accepted.
      if (!facts) return false
      const socket = opened(facts)
      try {
        this.identify(socket, path, start)
        native.unixSocketSetBufferSizes(facts.id, BUFFER, undefined)
        relay(socketOf(socket).receiving, this, endOf(socket))
      } catch (error) {
        socket.close()
        this.forgetProcess()
        throw error
      }
      this.socket = socket
      this.pause = PAUSE
      this.usedAt = performance.now()
      core.parts.handles.add(socket)
      if (this.process !== undefined) core.parts.handles.add(this.process)
      return true
    }
    if (isThread(pid)) throw noProcess(pid)
    return false
  }

  /**
   * Who listens there, by the kernel's word, and not by the name of the file.
   * @param {UnixSocket} socket
   * @param {string} path
   * @param {string} start
   */
  identify(socket, path, start) {
    const { core, pid } = this
    const { peer } = /** @type {any} */ (socket)
    if (peer === null || peer.pid !== pid) throw untrusted(path, `process ${peer?.pid} listens there`)
    if (!core.admits(peer)) throw untrusted(path, `process ${pid} belongs to uid ${peer.uid}`)
    let alive = true
    try {
      this.process = socket.peerProcess()
      alive = this.process?.alive ?? true
    } catch (error) {
      if (!REAPED.has(/** @type {any} */ (error).code)) throw error
      alive = false
    }
    if (startOf(pid) !== start) throw noProcess(pid)
    if (!alive) throw untrusted(path, `an earlier process of the number ${pid} has listened there`)
  }

  /** The other side says nothing, so this is its end. @param {UnixSocket} socket */
  hear(socket) {
    if (this.socket !== socket) return
    try {
      if (take(socketOf(socket), 1) === BLOCKED) return
    } catch {
      // As good as an end.
    }
    this.disconnect()
    // Those who wait do so for another endpoint of the process now, or hear that it has gone.
    if (this.sending.head !== undefined) this.sending.onReady()
  }

  /** Whoever is first in the queue has to wait: sees to it that he is told when it makes sense to try again. */
  await() {
    const { socket } = this
    if (socket === undefined) {
      this.lookLater()
    } else if (!this.relayed) {
      this.relayed = true
      relay(socketOf(socket).sending, this, room)
    }
  }

  /** There is room. @returns {boolean} whether nobody waits for any more */
  room() {
    this.sending.onReady()
    const done = this.sending.head === undefined
    if (done) this.relayed = false
    return done
  }

  lookLater() {
    if (this.timer !== undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (this.sending.head !== undefined) this.sending.onReady()
    }, this.pause)
    // Whether the loop goes on is for the handle to say, not for the timer.
    this.timer.unref()
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2)
  }

  /** Blocks this thread until it makes sense to try again. @param {number} milliseconds */
  block(milliseconds) {
    const { socket } = this
    if (socket !== undefined) native.unixSocketBlockForRoom(socketOf(socket).id, 0, milliseconds)
    else Atomics.wait(NOTHING, 0, 0, Math.min(milliseconds, LONGEST_PAUSE / 5))
  }

  disconnect() {
    const { socket } = this
    this.socket = undefined
    this.relayed = false
    if (socket !== undefined) {
      this.core.parts.handles.delete(socket)
      socket.close()
    }
    this.forgetProcess()
  }

  forgetProcess() {
    const { process } = this
    this.process = undefined
    if (process === undefined) return
    this.core.parts.handles.delete(process)
    process.close()
  }

  close() {
    clearTimeout(this.timer)
    this.disconnect()
  }
}

// What the reactor calls knows nothing but its own: a connection keeps no endpoint from being forgotten.

/** @param {UnixSocket} socket @returns {(outgoing: Outgoing) => void} */
function endOf(socket) {
  return (outgoing) => outgoing.hear(socket)
}

/** @param {Outgoing} outgoing */
function room(outgoing) {
  return outgoing.room()
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4))

/** @param {number} pid */
function noProcess(pid) {
  return coded(Error, 'ESRCH', `ESRCH: there is no process ${pid}`, { errno: ESRCH })
}

/** @param {number} pid */
export function noEndpoint(pid) {
  return coded(Error, 'ESRCH', `ESRCH: process ${pid} has no endpoint`, {
    errno: ESRCH,
    hint: 'with a timeout above 0, a send waits until it has one',
  })
}

/** @param {string} path @param {string} reason */
function untrusted(path, reason) {
  return coded(Error, 'ERR_IPC_UNTRUSTED_OWNER', `Nothing was sent: ${reason}`, { path })
}

/** @param {unknown} error @param {number} length */
function tooLong(error, length) {
  return Object.assign(/** @type {Error} */ (error), {
    message: `EMSGSIZE: a message of ${length} bytes is too long for an endpoint`,
    hint: 'net.core.wmem_max sets the limit. Send a SharedMemory or one end of a Channel along, in `handles`, for more',
  })
}
