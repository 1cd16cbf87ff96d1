/**
 * Where everything stands in a topic's memory, in words of 32 bits: docs/topic-format.md and core/src/topic/layout.rs have
 * the same numbers in bytes.
 */

// Of 64 bits each: the half that changes first is the word itself, since all machines that there are for this put it there.
export const TAIL = 16
export const OLDEST = 32
export const SEQUENCE = 48

export const EPOCH = 50
export const LOCK = 64
export const STATE = 80
export const ENDED = 1

// Bells: where each begins.
export const MESSAGES = 96
export const ROOM = 112
export const FREE = 128
// From there.
export const WANTED = 0
export const SERVED = 1
export const BELL = 2

export const SLOTS = 256
export const SLOT = 16
// From a slot's beginning on.
export const OWNER = 0
export const POSITION = 1

/** Bytes before each payload. */
export const RECORD = 8

// Flags of the memory.
export const CODECS = /** @type {const} */ (['bytes', 'json', 'structured'])
export const CODEC = 3
export const DROPS_OLDEST = 4

/** The largest ring and the most slots. */
export const MOST_CAPACITY = 2 ** 30
export const MOST_SLOTS = 4096

/** The size of a record with a payload of `length` bytes. @param {number} length */
export function recordSize(length) {
  return (length + RECORD + 7) & ~7
}
