/** Messages that tell their place: all of one length, so that they can be told apart in a stream of bytes too. */
import assert from 'node:assert/strict'

export const LENGTH = 8

/** @param {number} i */
export function numbered(i) {
  return `${String(i).padStart(LENGTH - 1, '0')}\n`
}

/** Takes what arrives and asserts that nothing is missing, twice or out of order. */
export class Count {
  next = 0
  #rest = ''

  /** @param {Buffer} data */
  take(data) {
    const text = this.#rest + data.toString('latin1')
    const whole = text.length - (text.length % LENGTH)
    for (let at = 0; at < whole; at += LENGTH) assert.equal(text.slice(at, at + LENGTH), numbered(this.next++))
    this.#rest = text.slice(whole)
  }
}
