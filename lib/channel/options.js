/**
 * How a channel is made, checked once.
 */
import { constants } from 'node:buffer'
import { coded, invalidType, invalidValue, outOfRange } from '../errors.js'
import { boolean, integer } from '../validate.js'
import { CHECKSUM, CODECS, RENDEZVOUS } from './layout.js'

/** @typedef {import('./facts.js').Facts} Facts */
/** @typedef {{ codec: 'bytes' | 'json' | 'structured' | undefined, checksum: boolean | undefined }} Stated */

/**
 * @typedef {object} Options
 * @property {number} capacity of the rings, in bytes
 * @property {number} maxMessageSize
 * @property {number} flags as the memory has them
 * @property {boolean} unbounded
 * @property {number} maxQueued
 */

const CAPACITY = 1024 * 1024
/** Of a rendezvous: room for what is offered. */
const RENDEZVOUS_CAPACITY = 64 * 1024
const MOST_CAPACITY = 2 ** 30
/** Each ring is mapped twice, with the header in one piece: more than Node 20 has a buffer for. */
const MOST_HERE = constants.MAX_LENGTH > 4 * MOST_CAPACITY ? MOST_CAPACITY : MOST_CAPACITY / 2
const MAX_MESSAGE_SIZE = 16 * 1024 * 1024
const MOST_MESSAGE_SIZE = 2 ** 31 - 1
const MAX_QUEUED = 64 * 1024 * 1024

/** @param {Record<string, any>} given @returns {Options} */
export function optionsOf(given) {
  const { capacity = CAPACITY, maxMessageSize = MAX_MESSAGE_SIZE } = given
  const { codec, checksum } = statedOf(given)
  if (typeof capacity !== 'number') throw invalidType('options.capacity', 'of type number', capacity)
  const unbounded = capacity === Number.POSITIVE_INFINITY
  if (!unbounded) integer('options.capacity', capacity, 0, MOST_HERE)
  integer('options.maxMessageSize', maxMessageSize, 1, MOST_MESSAGE_SIZE)
  const rendezvous = capacity === 0
  return {
    capacity: unbounded ? CAPACITY : rendezvous ? RENDEZVOUS_CAPACITY : capacity,
    maxMessageSize,
    flags: CODECS.indexOf(codec ?? 'bytes') | (checksum ? CHECKSUM : 0) | (rendezvous ? RENDEZVOUS : 0),
    unbounded,
    maxQueued: maxQueuedOf(given),
  }
}

/** What an end that did not make the channel may say of it. @param {Record<string, any>} given @returns {Stated} */
export function statedOf(given) {
  const { codec, checksum } = given
  if (codec !== undefined && !CODECS.includes(codec)) {
    throw invalidValue('options.codec', codec, "must be 'bytes', 'json' or 'structured'")
  }
  return { codec, checksum: checksum === undefined ? undefined : boolean('options.checksum', checksum, false) }
}

/** Of an end that did not make the channel: what concerns this side alone. @param {Record<string, any>} given */
export function ownSideOf(given) {
  const { capacity, maxMessageSize } = given
  const unbounded = capacity === Number.POSITIVE_INFINITY
  if (capacity !== undefined && !unbounded) integer('options.capacity', capacity, 0, MOST_CAPACITY)
  if (maxMessageSize !== undefined) integer('options.maxMessageSize', maxMessageSize, 1, MOST_MESSAGE_SIZE)
  return { unbounded, maxQueued: maxQueuedOf(given) }
}

/** @param {Record<string, any>} given @returns {number} */
function maxQueuedOf({ maxQueued = MAX_QUEUED }) {
  if (typeof maxQueued !== 'number') throw invalidType('options.maxQueued', 'of type number', maxQueued)
  if (!(maxQueued >= 0)) throw outOfRange('options.maxQueued', 'a number >= 0', maxQueued)
  return maxQueued
}

/** @param {Facts} facts @param {Stated} stated */
export function agree(facts, { codec, checksum }) {
  if (codec !== undefined && codec !== facts.codec) throw disagreement('codec', codec, facts.codec)
  if (checksum !== undefined && checksum !== facts.checksum) throw disagreement('checksum', checksum, facts.checksum)
}

/** @param {string} what @param {unknown} ours @param {unknown} theirs */
function disagreement(what, ours, theirs) {
  return coded(
    Error,
    'ERR_IPC_VERSION',
    `The channel's ${what} is ${String(theirs)}, as the side that made it says, and not ${String(ours)}`,
  )
}
