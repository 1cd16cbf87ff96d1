/**
 * What an endpoint receives, and how handles stand in it: a message that descriptors come with begins with what they are.
 */
import { Buffer } from 'node:buffer'
import { Envelope } from '../channel/envelope.js'
import { illegalConstructor } from '../errors.js'

/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {import('../channel/control.js').Supply} Supply */
/** @typedef {import('../handle.js').Handle} Handle */
/** @typedef {{ kind: string, fds: number, meta: Record<string, unknown> }} Described */

const INTERNAL = Symbol('internal')
const PREFIX = 4

export class DirectMessage {
  /** @type {Envelope<undefined> | undefined} */
  #envelope

  /**
   * @param {symbol} key
   * @param {Credentials} credentials
   * @param {Buffer} data
   * @param {Supply | undefined} supply
   */
  constructor(key, credentials, data, supply) {
    if (key !== INTERNAL) throw illegalConstructor()
    this.from = credentials.pid
    this.credentials = credentials
    this.data = data
    if (supply !== undefined) this.#envelope = new Envelope(undefined, supply)
  }

  /** The handles, which are the caller's from now on; the same each time. @returns {Handle[]} */
  takeHandles() {
    return this.#envelope?.takeHandles() ?? []
  }

  /** Handles that were not taken are closed. `Symbol.dispose` where the runtime has it. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    const envelope = /** @type {any} */ (this.#envelope)
    envelope?.[Symbol.dispose ?? Symbol.for('nodejs.dispose')]()
  }
}

/** @param {Credentials} credentials @param {Buffer} data @param {Supply} [supply] */
export function messageOf(credentials, data, supply) {
  return new DirectMessage(INTERNAL, credentials, data, supply)
}

/**
 * @param {Described[]} handles
 * @param {Uint8Array} data
 * @returns {Buffer}
 */
export function packed(handles, data) {
  const header = Buffer.from(JSON.stringify(handles))
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32LE(header.length)
  return Buffer.concat([prefix, header, data])
}

/**
 * @param {Buffer} bytes
 * @returns {{ handles: unknown[], data: Buffer } | undefined} undefined for what `packed` has not made
 */
export function unpacked(bytes) {
  if (bytes.length < PREFIX) return undefined
  const end = PREFIX + bytes.readUInt32LE()
  if (end > bytes.length) return undefined
  try {
    const handles = JSON.parse(bytes.toString('utf8', PREFIX, end))
    return Array.isArray(handles) ? { handles, data: bytes.subarray(end) } : undefined
  } catch {
    return undefined
  }
}
