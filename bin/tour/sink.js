import { createHash } from 'node:crypto'

/**
 * Where a receiver puts what comes. A file that fits in memory is kept there and hashed after the end, so that every
 * row is timed without the hash; a larger one is hashed on the way, in every row.
 *
 * @typedef {object} Sink
 * @property {(piece: Uint8Array) => void} push
 * @property {() => Buffer} space Where the next bytes may be read to; never empty.
 * @property {(bytes: number) => void} filled How many bytes of `space()` are now there.
 * @property {() => { bytes: number, messages: number, sha256: string }} finish
 */

const scratchSize = 1_048_576

/**
 * @param {{ size: number, inMemory: boolean }} file
 * @returns {Sink}
 */
export function createSink({ size, inMemory }) {
  return inMemory ? memorySink(size) : hashingSink()
}

/**
 * @param {number} size
 * @returns {Sink}
 */
function memorySink(size) {
  // Filled, so that no page of it is touched for the first time while the clock runs.
  const memory = Buffer.alloc(size).fill(1)
  const beyond = Buffer.alloc(65_536)
  let bytes = 0
  let messages = 0
  return {
    push(piece) {
      if (bytes + piece.length <= size) memory.set(piece, bytes)
      bytes += piece.length
      messages += 1
    },
    space: () => (bytes < size ? memory.subarray(bytes) : beyond),
    filled(count) {
      bytes += count
      messages += 1
    },
    finish: () => ({
      bytes,
      messages,
      sha256: createHash('sha256').update(memory.subarray(0, bytes)).digest('hex'),
    }),
  }
}

/** @returns {Sink} */
function hashingSink() {
  const hash = createHash('sha256')
  const scratch = Buffer.alloc(scratchSize)
  let bytes = 0
  let messages = 0
  /** @param {Uint8Array} piece */
  const push = (piece) => {
    hash.update(piece)
    bytes += piece.length
    messages += 1
  }
  return {
    push,
    space: () => scratch,
    filled: (count) => push(scratch.subarray(0, count)),
    finish: () => ({ bytes, messages, sha256: hash.digest('hex') }),
  }
}
