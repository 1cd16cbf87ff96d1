/**
 * What goes beside the bytes of a message, on its way to and from the addon: descriptors, credentials, addresses. The same
 * numbers stand in src/unix_socket.rs.
 */
import { Buffer } from 'node:buffer'
import native from '../load.js'

/** The most messages that one call takes. */
export const BATCH = 64

/** Words of each message that has arrived. */
export const RECORD = 10
export const LENGTH = 0
export const FLAGS = 1
export const PID = 2
export const UID = 3
export const GID = 4
export const PARCEL = 5
export const FD_COUNT = 6
const FROM_AT = 7
const FROM_LENGTH = 8

const TEXTS = BATCH * RECORD
const TEXT = 82
/** Where the descriptors of a message to be sent stand, then the number of its address. */
export const FDS = TEXTS + BATCH * TEXT
export const TO = FDS + 256

export const TRUNCATED = 1
export const END = 2
export const FDS_LOST = 4
export const CREDENTIALS = 8
const SAME_SENDER = 16

/** In place of a number of descriptors: the word has that of a parcel, which the addon keeps. */
export const PARCELLED = 0x100
/** With the number of messages wanted: each is to come whole. */
export const WHOLE = 0x100
/** With the last tail that is asked for: their memory is given back. */
export const LAST = 0x100

export const words = new Uint32Array(TO + 1)
const texts = Buffer.from(words.buffer)

let shared = false

/** Before the first call that uses them. */
export function share() {
  if (shared) return
  native.unixSocketShare(words)
  shared = true
}

/** @type {string | null} */
let sender = null

/** Where the message of that record came from. To be asked of each, in their order. @param {number} record */
export function senderOf(record) {
  if ((words[record + FLAGS] & SAME_SENDER) === 0) {
    const at = words[record + FROM_AT]
    const length = words[record + FROM_LENGTH]
    sender = length === 0 ? null : texts.toString('utf8', at, at + length)
  }
  return sender
}
