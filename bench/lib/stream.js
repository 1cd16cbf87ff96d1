/** What both sides of a comparison over a Node stream do. */
import { once } from 'node:events'

/** @param {import('node:stream').Writable} stream @param {Buffer} data @returns {Promise<unknown> | undefined} a promise only where the stream asks for patience */
export function write(stream, data) {
  return stream.write(data) ? undefined : once(stream, 'drain')
}

/**
 * Tells each time that `bytes` more have come.
 *
 * @param {import('node:stream').Readable} stream
 * @param {number} bytes
 * @param {() => void} then
 */
export function onBytes(stream, bytes, then) {
  let seen = 0
  stream.on('data', (chunk) => {
    seen += chunk.length
    while (seen >= bytes) {
      seen -= bytes
      then()
    }
  })
}

/** A promise that somebody else settles: `next()` makes it, `ring()` settles it. */
export class Bell {
  ring = () => {}

  /** @returns {Promise<void>} */
  next() {
    return new Promise((resolve) => {
      this.ring = resolve
    })
  }
}
