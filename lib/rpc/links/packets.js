/**
 * Frames as packets of a seqpacket socket: each is one JSON text.
 */
import { dispose } from './link.js'
import { SocketLink } from './socket.js'

export class PacketLink extends SocketLink {
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
}
