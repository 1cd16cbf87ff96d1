/**
 * A ring of slots over bare shared memory, as one writes it by hand where a package gives memory alone: whoever finds it
 * empty or full looks again in the next turn of the event loop.
 */
const BYTES = 1 << 20
const HEADER = 128

/** @param {number} size of a message, at most half of the ring */
export const bytesFor = (size) => HEADER + Math.max(BYTES, 2 * slotOf(size))

/** @param {number} size */
const slotOf = (size) => (size + 15) & ~7

export class Slots {
  /** @param {Buffer} memory at least `bytesFor(size)` @param {number} size */
  constructor(memory, size) {
    this.words = new Int32Array(memory.buffer, memory.byteOffset, HEADER / 4)
    this.lengths = new Int32Array(memory.buffer, memory.byteOffset)
    this.bytes = memory
    this.slot = slotOf(size)
    this.count = Math.floor((memory.byteLength - HEADER) / this.slot)
    this.mine = 0
    this.seen = 0
  }

  get at() {
    return HEADER + (this.mine % this.count) * this.slot
  }

  /** @param {Buffer} message */
  async send(message) {
    while (this.mine - this.seen === this.count) {
      this.seen = Atomics.load(this.words, 16)
      if (this.mine - this.seen === this.count) await new Promise((resolve) => setImmediate(resolve))
    }
    const { at } = this
    this.lengths[at >> 2] = message.length
    this.bytes.set(message, at + 8)
    Atomics.store(this.words, 0, ++this.mine)
  }

  async receive() {
    while (this.mine === this.seen) {
      this.seen = Atomics.load(this.words, 0)
      if (this.mine === this.seen) await new Promise((resolve) => setImmediate(resolve))
    }
    const { at } = this
    const message = Buffer.from(this.bytes.subarray(at + 8, at + 8 + this.lengths[at >> 2]))
    Atomics.store(this.words, 16, ++this.mine)
    return message
  }
}
