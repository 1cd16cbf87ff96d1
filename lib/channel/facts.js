/**
 * What an end knows of its channel from the start, by its own copy: what stands in the memory is not looked at again.
 */
import { CHECKSUM, CODEC, CODECS, RENDEZVOUS } from './layout.js'

/**
 * @typedef {object} Facts
 * @property {number} side 0 or 1
 * @property {number} offset where ring 0 begins in the memory
 * @property {number[]} capacities of the rings
 * @property {number} maxMessageSize
 * @property {'bytes' | 'json' | 'structured'} codec
 * @property {boolean} checksum
 * @property {boolean} rendezvous
 */

/** @param {import('../../native.js').ChannelFacts} facts @returns {Facts} */
export function factsOf({ side, offset, capacity0, capacity1, maxMessageSize, flags }) {
  return {
    side,
    offset,
    capacities: [capacity0, capacity1],
    maxMessageSize,
    codec: CODECS[flags & CODEC],
    checksum: (flags & CHECKSUM) !== 0,
    rendezvous: (flags & RENDEZVOUS) !== 0,
  }
}
