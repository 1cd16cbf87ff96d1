/**
 * A connection as a net.Socket, and the other way round: the descriptor moves.
 */
import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { invalidState, invalidType, notSupported } from '../errors.js'
import native from '../load.js'
import { messageOf } from './message.js'

/** @typedef {import('./core.js').SocketCore} SocketCore */

/** Throws unless somebody else may have the connection from now on. @param {SocketCore} core @param {string} what it becomes */
export function checkFree(core, what) {
  core.check()
  if (!core.isStream) throw notSupported(`A socket of the type '${core.type}' cannot become ${what}: a 'stream' can`)
  if (core.waiting > 0) throw invalidState('Operations wait on the handle')
  if (core.stash.length > 0) throw invalidState('Something that has come is still to be received')
}

/** @param {SocketCore} core @returns {Socket} */
export function toSocket(core) {
  checkFree(core, 'a net.Socket')
  const fd = core.detach()
  // Bun's sockets take no descriptor when they are made, only when they connect.
  if (process.versions.bun !== undefined) return new Socket().connect(/** @type {any} */ ({ fd }))
  return new Socket({ fd, readable: true, writable: true })
}

/**
 * @param {unknown} socket which is destroyed once its descriptor has been taken
 * @returns {{ facts: import('./core.js').Facts, rest: Buffer[] }} `rest`: what it had read and nobody has taken
 */
export function fromSocket(socket) {
  if (!(socket instanceof Socket)) throw invalidType('socket', 'an instance of net.Socket', socket)
  const fd = /** @type {{ _handle?: { fd?: number } | null }} */ (/** @type {unknown} */ (socket))._handle?.fd
  if (socket.destroyed || socket.connecting || typeof fd !== 'number' || fd < 0) {
    throw invalidState('The net.Socket is not connected')
  }
  if (socket.writableLength > 0) throw invalidState('The net.Socket has still something to write')
  const facts = native.unixSocketCopy(fd)
  // Whoever listens is not to hear of it, for it goes on from here.
  socket.removeAllListeners('data')
  socket.removeAllListeners('readable')
  socket.pause()
  const rest = []
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
    rest.push(Buffer.from(chunk, socket.readableEncoding ?? undefined))
  }
  socket.destroy()
  return { facts, rest }
}

/** What was read before comes first. @param {SocketCore} core @param {Buffer[]} rest */
export function begin(core, rest) {
  for (const data of rest) core.stash.push(messageOf(data, null, null, false, 0, 0))
}
