/**
 * Frames on a stream socket, with headers as language servers have them.
 */
import { socketOf } from '../../unix-socket/core.js'
import { take } from '../../unix-socket/receiving.js'
import { BLOCKED } from '../../wait/direction.js'
import { framed, Parser } from '../content-length.js'
import { text } from '../protocol.js'
import { dispose, Link } from './link.js'
import { listen } from './listening.js'
import { readSocket } from './sync.js'

/** @typedef {import('../../unix-socket/socket.js').UnixSocket} UnixSocket */

/** Bytes that are read at once. */
const CHUNK = 64 * 1024

export class StreamLink extends Link {
  /** @param {UnixSocket} socket */
  constructor(socket) {
    super()
    this.socket = socket.unref()
    this.core = socketOf(socket)
    this.core.check()
    // What waits is counted in bytes, and calls are counted where they are made.
    this.core.pendingLimit = Number.MAX_SAFE_INTEGER
    this.parser = new Parser()
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
    return this.core.closed ? BLOCKED : take(this.core, CHUNK)
  }

  /** @param {any} message */
  handOn(message) {
    dispose(message)
    try {
      this.parser.push(message.data, (body) => {
        if (this.ended === undefined) this.deliverText(body.toString(), undefined, body.length)
      })
    } catch (error) {
      if (this.server !== undefined) this.malformed()
      this.fail(/** @type {Error} */ (error))
    }
  }

  /** @param {Error | null} error */
  end(error) {
    // The kernel calls it a reset where the other side has left something unread.
    const cut = error === null || /** @type {any} */ (error).code === 'ECONNRESET' ? this.parser.lacking : undefined
    super.end(cut ?? error)
  }

  /** @param {string} frame */
  post(frame) {
    const bytes = framed(frame)
    const sent = this.socket.trySend(bytes)
    if (sent === bytes.length) return undefined
    return this.awaitSent(this.socket.send(bytes.subarray(sent)), bytes.length)
  }

  /** @param {string} frame @param {number} timeout */
  postSync(frame, timeout) {
    this.socket.sendSync(framed(frame), { timeout })
  }

  /** @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {
    readSocket(this, CHUNK, done, timeout)
  }

  close() {
    this.socket.close()
  }
}
