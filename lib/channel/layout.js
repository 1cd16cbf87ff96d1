/**
 * Where everything stands in a channel's memory, in words of 32 bits: docs/channel-format.md and core/src/ring/layout.rs
 * have the same numbers in bytes.
 */

export const HEADER_WORDS = 384
/** Where the words of each ring begin. */
export const RING_WORDS = [128, 256]

// From there.
export const TAIL = 0
export const HEAD = 16
export const RECEIVER_SLEEPS = 32
export const SENDER_SLEEPS = 48
export const SENDER_WANTS = 49
export const OFFER = 64

/** The states of the sides. */
export const STATES = [16, 32]
export const ATTACHED = 1
export const CLOSED = 2

/** A record's first word. */
export const LENGTH = 0x0fffffff
export const KIND_SHIFT = 28

export const WHOLE = 0
export const START = 1
export const PIECE = 2
export const ABORT = 3
export const HANDLES = 4

/** Bytes before each payload. */
export const RECORD = 8

/** The most frames with descriptors whose messages have not been taken. */
export const MOST_SUPPLIES = 64

// Flags of the memory.
export const CODECS = /** @type {const} */ (['bytes', 'json', 'structured'])
export const CODEC = 3
export const CHECKSUM = 4
export const RENDEZVOUS = 8

/** The size of a record with a payload of `length` bytes. @param {number} length */
export function recordSize(length) {
  return (length + RECORD + 7) & ~7
}

/** The largest payload of one record: half of the ring, and what a record's first word can say. @param {number} capacity */
export function largestPayload(capacity) {
  return Math.min((capacity >> 1) - RECORD, LENGTH & ~7)
}
