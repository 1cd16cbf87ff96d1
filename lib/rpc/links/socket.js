/**
 * A connection over a Unix socket: what packets and streams have in common.
 */
import { socketOf } from '../../unix-socket/core.js'
import { take } from '../../unix-socket/receiving.js'
import { BLOCKED } from '../../wait/direction.js'
import { text } from '../protocol.js'
import { Link } from './link.js'
import { listen } from './listening.js'
import { readSocket } from './sync.js'

/** @typedef {import('../../unix-socket/socket.js').UnixSocket} UnixSocket */

export class SocketLink extends Link {
  /**
   * @param {UnixSocket} socket
   * @param {number} [chunk] bytes that are read at once, where there are no packets
   */
  constructor(socket, chunk) {
    super()
    this.socket = socket.unref()
    this.chunk = chunk
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
    return this.core.closed ? BLOCKED : take(this.core, this.chunk)
  }

  /** Who has only shut his sending side is still there to be answered: `printf … | nc -N`. */
  lingers() {
    const { server, core } = this
    if (core.gone || server === undefined || !(server.busy || this.waiting > 0)) return false
    this.halfClosed = true
    const client = this.client?.deref()
    this.client = undefined
    client?.onEnd(null)
    return true
  }

  /** What came, as it came. @param {any} message */
  handOn(message) {}

  /** @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {
    readSocket(this, this.chunk, done, timeout)
  }

  close() {
    this.socket.close()
  }
}
