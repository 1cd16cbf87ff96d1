/** Messages on a byte stream: four bytes of length, then the message. */
import { Buffer } from 'node:buffer'

/** @param {number} size @returns {Buffer} a whole frame, so that sending it is one write */
export function frame(size) {
  const bytes = Buffer.alloc(4 + size, 7)
  bytes.writeUInt32LE(size)
  return bytes
}

/**
 * Hands over each message whole: a view where it lies in one chunk, else put together with one copy.
 *
 * @param {import('node:stream').Readable} stream
 * @param {(message: Buffer) => void} then
 */
export function onMessages(stream, then) {
  const header = Buffer.alloc(4)
  let headerSeen = 0
  /** @type {Buffer | null} */
  let partial = null
  let filled = 0
  stream.on('data', (/** @type {Buffer} */ chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (partial === null) {
        if (headerSeen === 0 && chunk.length - at >= 4) {
          chunk.copy(header, 0, at, at + 4)
          headerSeen = 4
          at += 4
        } else {
          const copied = chunk.copy(header, headerSeen, at, at + 4 - headerSeen)
          headerSeen += copied
          at += copied
          if (headerSeen < 4) return
        }
        const size = header.readUInt32LE()
        if (chunk.length - at >= size) {
          then(chunk.subarray(at, at + size))
          at += size
          headerSeen = 0
          continue
        }
        partial = Buffer.allocUnsafe(size)
        filled = 0
      }
      const copied = chunk.copy(partial, filled, at)
      filled += copied
      at += copied
      if (filled === partial.length) {
        const message = partial
        partial = null
        headerSeen = 0
        then(message)
      }
    }
  })
}
