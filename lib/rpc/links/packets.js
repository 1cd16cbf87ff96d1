/**
 * Frames as packets of a seqpacket socket: each is one JSON text.
 */
import { socketOf } from '../../unix-socket/core.js'
import { take } from '../../unix-socket/receiving.js'
import { BLOCKED } from '../../wait/direction.js'
import { text } from '../protocol.js'
import { dispose, Link } from './link.js'
import { listen } from './listening.js'
import { readSocket } from './sync.js'

/** @typedef {import('../../unix-socket/socket.js').UnixSocket} UnixSocket */

export class PacketLink extends Link {
  /** @param {UnixSocket} socket */
  constructor(socket) {
    super()
    this.socket = socket.unref()
    this.core = socketOf(socket)
    this.core.check()
    // What waits is counted in bytes, and calls are counted where they are made.
    this.core.pendingLimit = Number.MAX_SAFE_INTEGER
  }

  get notation() {
    return text
  }

  get peer() {
    return /** @type {any} */ (this.socket).peer
  }

  start() {
    listen(this, this.core.receiving)
  }

  look() {
    this.core.receiving.onReady()
  }

  next() {
    return this.core.closed ? BLOCKED : take(this.core, undefined)
  }

  /** @param {any} message */
  handOn(message) {
    dispose(message)
    this.deliverText(message.data.toString(), undefined, message.data.length)
  }

  /** @param {string} frame */
  post(frame) {
    if (this.socket.trySend(frame)) return undefined
    return this.awaitSent(this.socket.send(frame), frame.length)
  }

  /** @param {string} frame @param {number} timeout */
  postSync(frame, timeout) {
    this.socket.sendSync(frame, { timeout })
  }

  /** @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {
    readSocket(this, undefined, done, timeout)
  }

  close() {
    this.socket.close()
  }
}
