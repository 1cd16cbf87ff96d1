/**
 * Who has connected, and what they have sent: a queue for each sender, which holds up nobody else's.
 */
import native from '../load.js'
import { socketOf } from '../unix-socket/core.js'
import { SocketMessage } from '../unix-socket/message.js'
import { take } from '../unix-socket/receiving.js'
import { GID, PID, UID, words } from '../unix-socket/words.js'
import { BLOCKED } from '../wait/direction.js'
import { messageOf, unpacked } from './message.js'

/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {import('./message.js').DirectMessage} DirectMessage */

/** One connection, of a peer that may send. */
export class Incoming {
  /** @param {UnixSocket} socket @param {Credentials} peer */
  constructor(socket, peer) {
    this.socket = socket
    this.core = socketOf(socket)
    this.peer = peer
    /** The next message, where the peer has gone. @type {DirectMessage | undefined} */
    this.kept = undefined
  }

  /** Whether nothing more is going to be sent. */
  get hungUp() {
    return this.core.receiving.hungUp
  }

  /** @returns {DirectMessage | null | typeof BLOCKED} null if nothing more is to come, or to be believed */
  take() {
    const { kept } = this
    if (kept !== undefined) {
      this.kept = undefined
      return kept
    }
    let message
    try {
      message = take(this.core, undefined)
    } catch (error) {
      const { code, data } = /** @type {any} */ (error)
      if (code === 'ERR_IPC_FDS_LOST') return this.lost(data)
      if (code === 'ECONNRESET') return null
      throw error
    }
    if (message === BLOCKED || message === null) return message
    if (!(message instanceof SocketMessage)) return null
    const { credentials, fdCount, data } = message
    // A connection is of one process. What comes from another one, to which it was given, is said in nobody's name.
    if (credentials === null || !this.isOfPeer(credentials)) return refused(message)
    if (fdCount === 0) return messageOf(credentials, data)
    const content = unpacked(data)
    if (content === undefined) return refused(message)
    return messageOf(credentials, content.data, supplyOf(message.fds, false, content.handles))
  }

  /** @param {Credentials} credentials */
  isOfPeer({ pid, uid }) {
    return pid === this.peer.pid && uid === this.peer.uid
  }

  /** Its handles could not be received. @param {Buffer} data */
  lost(data) {
    const credentials = Object.freeze({ pid: words[PID], uid: words[UID], gid: words[GID] })
    const content = unpacked(data)
    if (content === undefined || !this.isOfPeer(credentials)) return null
    return messageOf(credentials, content.data, supplyOf([], true, content.handles))
  }
}

/** @param {SocketMessage} message */
function refused(message) {
  for (const fd of message.fds) native.descriptorClose(fd)
  return null
}

/** @param {number[]} fds @param {boolean} lost @param {unknown[]} handles */
function supplyOf(fds, lost, handles) {
  return /** @type {import('./message.js').Supply} */ ({ fds, lost, body: { handles } })
}

/** All connections of one process, the oldest first: what was sent through that was sent first. */
export class Sender {
  /** @param {number} pid */
  constructor(pid) {
    this.pid = pid
    /** @type {Incoming[]} */
    this.connections = []
  }

  /**
   * @param {(ended: Incoming) => void} drop
   * @returns {DirectMessage | typeof BLOCKED}
   */
  take(drop) {
    for (let first = this.connections[0]; first !== undefined; first = this.connections[0]) {
      const message = first.take()
      if (message !== null) return message
      this.connections.shift()
      drop(first)
    }
    return BLOCKED
  }

  /** Lets go of connections that have ended and have nothing left. @param {(ended: Incoming) => void} drop */
  reap(drop) {
    const [first] = this.connections
    if (first === undefined || !first.hungUp || first.kept !== undefined) return
    const message = this.take(drop)
    // Whoever asks next has it first: of the connection that it was read from.
    if (message !== BLOCKED) this.connections[0].kept = message
  }
}
