/**
 * Frames on a stream socket, with headers as language servers have them.
 */
import { framed, Parser } from '../content-length.js'
import { dispose } from './link.js'
import { SocketLink } from './socket.js'

/** Bytes that are read at once. */
const CHUNK = 64 * 1024

export class StreamLink extends SocketLink {
  /** @param {import('../../unix-socket/socket.js').UnixSocket} socket */
  constructor(socket) {
    super(socket, CHUNK)
    this.parser = new Parser()
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
}
