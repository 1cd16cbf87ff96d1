/**
 * What both halves of a channel have: the words and the bytes of one ring, and what is wrong when the other side has written
 * what cannot be.
 */
import { Buffer } from 'node:buffer'
import { coded } from '../errors.js'
import { HEADER_WORDS, RING_WORDS } from './layout.js'

/** @param {string} what */
export function corrupt(what) {
  return coded(Error, 'ERR_IPC_CORRUPT', `The other side of the channel has written what cannot be: ${what}`)
}

export class Ring {
  /**
   * @param {ArrayBuffer} memory the header, then each ring twice in a row
   * @param {{ offset: number, capacities: number[] }} geometry
   * @param {number} number 0 or 1
   */
  constructor(memory, { offset, capacities }, number) {
    const start = offset + (number === 0 ? 0 : 2 * capacities[0])
    const capacity = capacities[number]
    this.capacity = capacity
    this.mask = capacity - 1
    /** All words of the header. */
    this.words = new Int32Array(memory, 0, HEADER_WORDS)
    /** Where this ring's begin. */
    this.at = RING_WORDS[number]
    // The ring twice in a row, so that whatever begins in the first half is contiguous.
    this.int32 = new Int32Array(memory, start, capacity >> 1)
    this.bytes = Buffer.from(memory, start, 2 * capacity)
    this.memory = memory
    this.start = start
  }
}
