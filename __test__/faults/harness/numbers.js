/**
 * Numbered messages for transports of bytes: what is received tells which messages have come, whole and in which order.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'

/** Bytes of one number. Every message is a whole number of these, and so is every read. */
export const RECORD = 8

const MIX = 0x5bd1e995
/** Milliseconds without a message after which none comes any more. */
const PATIENCE = 2000

/** The numbers from `first`, one record each. */
export function encode(first, count = 1) {
  const data = Buffer.allocUnsafe(count * RECORD)
  for (let i = 0; i < count; i++) {
    data.writeUInt32LE((first + i) >>> 0, i * RECORD)
    data.writeUInt32LE(((first + i) ^ MIX) >>> 0, i * RECORD + 4)
  }
  return data
}

/** @param {Uint8Array} data @returns {number[]} */
export function decode(data) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  assert.equal(bytes.length % RECORD, 0, `${bytes.length} bytes are no whole number of records`)
  const numbers = []
  for (let at = 0; at < bytes.length; at += RECORD) {
    const number = bytes.readUInt32LE(at)
    assert.equal(bytes.readUInt32LE(at + 4), (number ^ MIX) >>> 0, `garbled at byte ${at}`)
    numbers.push(number)
  }
  return numbers
}

/** Remembers a sequence of numbers of any length in one, order included (FNV-1a). */
export class Tally {
  count = 0
  hash = 0x811c9dc5
  last = -1

  /** @param {number[]} numbers which are to be larger than all before */
  add(numbers) {
    for (const number of numbers) {
      if (number <= this.last) throw new Error(`${number} has come after ${this.last}: out of order or twice`)
      this.last = number
      this.count++
      this.hash = Math.imul(this.hash ^ number, 0x01000193) >>> 0
    }
  }

  toJSON() {
    return { count: this.count, last: this.last, hash: this.hash }
  }
}

/**
 * Receives into the tally to the end; where there is none, until there are as many as were sent.
 * @param {any} kind @param {any} receiver @param {Tally} tally
 * @param {() => Promise<number>} sent how many, once that is known
 */
export async function receiveAll(kind, receiver, tally, sent) {
  const receive = kind.receives.recv
  if (kind.ends !== false) {
    for (;;) {
      const numbers = await receive(receiver, { timeout: 10_000 })
      if (numbers === null) return
      tally.add(numbers)
    }
  }
  let total = Number.POSITIVE_INFINITY
  let came = 0
  const told = sent().then((count) => {
    total = count
    came = performance.now()
  })
  while (tally.count < total) {
    try {
      tally.add(await receive(receiver, { timeout: 20 }))
      came = performance.now()
    } catch (error) {
      if (error.code !== 'ETIMEDOUT') throw error
      // A busy machine may be late. Nothing comes for long: what is missing then is lost.
      if (total !== Number.POSITIVE_INFINITY && performance.now() - came > PATIENCE) break
    }
  }
  await told
}

/** Numbers in the order in which they were received, where waits are served in no order. @param {any} kind @param {number[]} numbers */
export function inOrder(kind, numbers) {
  return kind.unordered ? [...numbers].sort((a, b) => a - b) : numbers
}
