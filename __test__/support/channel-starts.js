/** Channels whose positions begin elsewhere: whoever makes the memory chooses, and positions are read when an end attaches. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { Channel } from '../../index.js'
import native from '../../lib/load.js'
import { inside } from './inside.js'

const { coreOf } = inside['handle.js']

/** Just before each wrap, of numbers with a sign and without. */
export const STARTS = [2 ** 31 - 8, 2 ** 32 - 8, 2 ** 31 - 4096, 2 ** 32 - 4096]

/** Where `tail` and `head` of each ring stand: docs/channel-format.md. */
const POSITIONS = [
  [512, 576],
  [1024, 1088],
]

/**
 * @param {[number, number]} starts of the rings
 * @param {any} [options]
 * @returns {[Channel<any>, Channel<any>]}
 */
export function pairFrom(starts, options) {
  const ends = Channel.pair(options)
  const [memory] = native.channelDescriptors(/** @type {any} */ (coreOf(ends[0])).id)
  const fd = openSync(`/proc/self/fd/${memory}`, 'r+')
  for (const [ring, start] of starts.entries()) {
    for (const position of POSITIONS[ring]) writeSync(fd, Uint32Array.of(start), 0, 4, position)
  }
  closeSync(fd)
  return ends
}
