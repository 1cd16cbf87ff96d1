/**
 * A Node stream over a connection of bytes, which can carry descriptors as well.
 */
import { Buffer } from 'node:buffer'
import { Duplex } from 'node:stream'
import { closedError, invalidType, invalidValue } from '../errors.js'
import native from '../load.js'
import { FOR_EVER } from '../validate.js'
import { descriptorsOf, numberOfHandle } from './outgoing.js'
import { Receive } from './receiving.js'
import { hold, Send } from './sending.js'

/** @typedef {import('./core.js').SocketCore} SocketCore */
/** @typedef {import('./message.js').SocketMessage} SocketMessage */
/** @typedef {import('../handle.js').Handle} Handle */
/** @typedef {(error?: Error | null) => void} Done */

const WRITE = 1

/** It owns the socket: destroying it closes. When the other side ends, it ends too, as a net.Socket does. */
export class SocketStream extends Duplex {
  #core
  /** What goes beside a chunk that has not been written yet: the addon's number of copies. @type {Map<Uint8Array, number>} */
  #beside = new Map()
  /** @type {() => void} */
  #onClose

  bytesRead = 0
  bytesWritten = 0

  /** @param {SocketCore} core */
  constructor(core) {
    super({ allowHalfOpen: false, emitClose: true })
    this.#core = core
    this.#onClose = () => {
      this.destroy()
    }
    core.lentTo = 'a stream'
    core.closing.add(this.#onClose)
    // The end of the other side is to be heard of, whether or not anybody reads.
    this.read(0)
  }

  /**
   * Sends bytes with descriptors beside them: they come together with the first of these bytes. Copies of them are made now, so
   * the caller may close his at once.
   * @param {Uint8Array} bytes
   * @param {Array<number | Handle>} fds
   * @returns {boolean} as `write` does
   */
  writeWithFds(bytes, fds) {
    if (!(bytes instanceof Uint8Array)) throw invalidType('bytes', 'an instance of Uint8Array', bytes)
    const given = descriptorsOf('fds', fds)
    const { length } = bytes
    if (given.length > 0 && length === 0)
      throw invalidValue('bytes', bytes, 'must not be empty where descriptors go with them')
    if (this.#core.closed) throw closedError()
    // An object of its own, that it may be known by; of memory that is the caller's, as with `write`.
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    if (given.length > 0) this.#beside.set(chunk, hold(given.map((fd) => numberOfHandle(fd, 'fds'))))
    return this.write(chunk)
  }

  ref() {
    this.#core.reference(true)
    return this
  }

  unref() {
    this.#core.reference(false)
    return this
  }

  /** For those who take it for a net.Socket: nothing here is delayed. */
  setNoDelay() {
    return this
  }

  /** For those who take it for a net.Socket: the kernel tells when the other side is gone. */
  setKeepAlive() {
    return this
  }

  _read() {
    const core = this.#core
    if (core.closed) return
    core.receiving.submit(new Receive(core, undefined), FOR_EVER).then(
      (message) => this.#arrived(message),
      (error) => this.destroy(error),
    )
  }

  /** @param {SocketMessage | null} message */
  #arrived(message) {
    if (message === null) {
      this.push(null)
      this.read(0)
      return
    }
    this.bytesRead += message.data.length
    // Before the bytes that they have come with. Nobody's, they are closed.
    if (message.fdCount > 0 && this.listenerCount('fds') > 0) this.emit('fds', message.fds)
    else if (message.fdCount > 0) /** @type {any} */ (message)[Symbol.dispose ?? Symbol.for('nodejs.dispose')]()
    this.push(message.data)
  }

  /** @param {Uint8Array} chunk @param {BufferEncoding} _encoding @param {Done} done */
  _write(chunk, _encoding, done) {
    this.#send(chunk).then(() => done(), done)
  }

  /** @param {Array<{ chunk: Uint8Array }>} chunks @param {Done} done */
  _writev(chunks, done) {
    this.#sendAll(chunks.map(({ chunk }) => chunk)).then(() => done(), done)
  }

  /** By as few calls as can be; what has descriptors beside it begins a new one. @param {Uint8Array[]} chunks */
  async #sendAll(chunks) {
    for (let next = 0; next < chunks.length; ) {
      const first = next++
      if (!this.#beside.has(chunks[first])) {
        while (next < chunks.length && !this.#beside.has(chunks[next])) next++
      }
      await this.#send(next - first === 1 ? chunks[first] : Buffer.concat(chunks.slice(first, next)))
    }
  }

  /** @param {Uint8Array} chunk */
  async #send(chunk) {
    const core = this.#core
    const send = new Send(core, { data: chunk, to: undefined, fds: undefined })
    send.parcel = this.#beside.get(chunk) ?? 0
    this.#beside.delete(chunk)
    if (core.closed) throw send.failure(closedError())
    await core.sending.submit(send, FOR_EVER)
    this.bytesWritten += chunk.length
  }

  /** @param {Done} done */
  _final(done) {
    try {
      if (!this.#core.closed) native.unixSocketShutdown(this.#core.id, WRITE)
    } catch (error) {
      // Whoever was there is gone already.
      if (/** @type {{ code?: string }} */ (error).code !== 'ENOTCONN') {
        done(/** @type {Error} */ (error))
        return
      }
    }
    done()
  }

  /** @param {Error | null} error @param {Done} done */
  _destroy(error, done) {
    this.#core.closing.delete(this.#onClose)
    this.#core.close()
    for (const parcel of this.#beside.values()) native.unixParcelDrop(parcel)
    this.#beside.clear()
    done(error)
  }
}
