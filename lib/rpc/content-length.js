/**
 * Frames on a stream of bytes, as language servers have them: a header with the length, an empty line, the body.
 *
 * Nothing is reserved because the other side says so: memory grows with what has come.
 */
import { Buffer } from 'node:buffer'
import { coded } from '../errors.js'
import { corrupt, truncated } from './errors.js'

/** Bytes. */
const LONGEST_BODY = 16 * 1024 * 1024
const LONGEST_HEADER = 4096
const FIRST_ROOM = 64 * 1024

const END = Buffer.from('\r\n\r\n')

/** @param {string} body */
export function framed(body) {
  const length = Buffer.byteLength(body)
  if (length > LONGEST_BODY) throw tooLong(length)
  return Buffer.from(`Content-Length: ${length}\r\n\r\n${body}`)
}

/** @param {number} length */
export function tooLong(length) {
  return coded(Error, 'EMSGSIZE', `EMSGSIZE: the frame has ${length} bytes, and the most is ${LONGEST_BODY}`)
}

export class Parser {
  /** Of the header, what has come. */
  #header = Buffer.alloc(0)
  /** Of the body, once its length is known. */
  #expected = -1
  #filled = 0
  #body = Buffer.alloc(0)

  /**
   * Takes what has come, and gives the bodies that are whole, in order. After it has thrown nothing more can be understood.
   * @param {Buffer} chunk
   * @param {(body: Buffer) => void} give
   */
  push(chunk, give) {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#expected < 0) {
        rest = this.#begin(rest)
        if (this.#expected === 0) this.#finish(Buffer.alloc(0), give)
        continue
      }
      const wanted = this.#expected - this.#filled
      if (this.#filled === 0 && rest.length >= wanted) {
        const body = rest.subarray(0, wanted)
        rest = rest.subarray(wanted)
        this.#finish(body, give)
        continue
      }
      const part = rest.length > wanted ? rest.subarray(0, wanted) : rest
      this.#keep(part)
      rest = rest.subarray(part.length)
      if (this.#filled === this.#expected) this.#finish(this.#body.subarray(0, this.#filled), give)
    }
  }

  /** What is wrong if nothing more comes: undefined between two frames. */
  get lacking() {
    const received = this.#expected < 0 ? this.#header.length : this.#filled
    if (this.#expected < 0 && received === 0) return undefined
    const of = this.#expected < 0 ? 'a header' : `${this.#expected}`
    return truncated(`The stream ends within a frame: ${received} bytes of ${of} have come`, {
      bytesReceived: received,
      bytesExpected: this.#expected < 0 ? undefined : this.#expected,
    })
  }

  /** @param {Buffer} body @param {(body: Buffer) => void} give */
  #finish(body, give) {
    this.#expected = -1
    this.#filled = 0
    this.#body = Buffer.alloc(0)
    give(body)
  }

  /** Reads on in a header; what comes behind it. @param {Buffer} chunk */
  #begin(chunk) {
    const before = this.#header.length
    // As much as a header may have, and no more.
    const head = before === 0 ? chunk : Buffer.concat([this.#header, chunk.subarray(0, LONGEST_HEADER)])
    const end = head.indexOf(END, Math.max(0, before - END.length))
    if (end < 0 || end > LONGEST_HEADER) {
      if (head.length > LONGEST_HEADER) throw corrupt('a header without an end')
      this.#header = Buffer.from(head)
      return head.subarray(head.length)
    }
    this.#header = Buffer.alloc(0)
    this.#expected = lengthOf(head.toString('latin1', 0, end))
    return chunk.subarray(end + END.length - before)
  }

  /** @param {Buffer} part */
  #keep(part) {
    const needed = this.#filled + part.length
    if (this.#body.length < needed) {
      const room = Math.min(this.#expected, Math.max(FIRST_ROOM, needed, this.#body.length * 2))
      const body = Buffer.allocUnsafeSlow(room)
      body.set(this.#body.subarray(0, this.#filled))
      this.#body = body
    }
    this.#body.set(part, this.#filled)
    this.#filled = needed
  }
}

/** @param {string} header @returns {number} */
function lengthOf(header) {
  let length = -1
  for (const line of header.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) throw corrupt('a header of another kind')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'content-type' && /charset=(?!"?utf-?8)/i.test(value)) throw corrupt(`a body that is not UTF-8`)
    if (name !== 'content-length') continue
    if (!/^\d{1,20}$/.test(value) || length >= 0) throw corrupt('a length that is none')
    length = Number(value)
  }
  if (length < 0) throw corrupt('a header without a length')
  if (length > LONGEST_BODY) throw tooLong(length)
  return length
}
