/**
 * How a topic is made, checked once.
 */
import { coded, invalidValue } from '../errors.js'
import { integer, mode as modeOf } from '../validate.js'
import { CODECS, DROPS_OLDEST, MOST_CAPACITY, MOST_SLOTS } from './layout.js'

/** @typedef {import('./member.js').Member} Member */
/** @typedef {'bytes' | 'json' | 'structured'} Codec */
/** @typedef {'wait' | 'drop-oldest'} Overflow */

const CAPACITY = 1024 * 1024
const SLOTS = 64
/** Anybody else who may read or write. */
const OTHERS = 0o066
const OTHERS_WRITE = 0o022

/** @param {Record<string, any>} given */
export function optionsOf({ codec, capacity = CAPACITY, overflow, maxSubscribers = SLOTS, mode }) {
  if (codec !== undefined && !CODECS.includes(codec)) {
    throw invalidValue('options.codec', codec, "must be 'bytes', 'json' or 'structured'")
  }
  if (overflow !== undefined && overflow !== 'wait' && overflow !== 'drop-oldest') {
    throw invalidValue('options.overflow', overflow, "must be 'wait' or 'drop-oldest'")
  }
  const permissions = modeOf('options.mode', mode, 0o600)
  if (codec === 'structured' && (permissions & OTHERS_WRITE) !== 0) {
    throw invalidValue('options.mode', mode, "must not let others write, for 'structured' is for processes of one user")
  }
  return {
    stated: {
      codec: /** @type {Codec | undefined} */ (codec),
      overflow: /** @type {Overflow | undefined} */ (overflow),
    },
    native: {
      capacity: integer('options.capacity', capacity, 1, MOST_CAPACITY),
      slots: integer('options.maxSubscribers', maxSubscribers, 1, MOST_SLOTS),
      flags: CODECS.indexOf(codec ?? 'bytes') | (overflow === 'drop-oldest' ? DROPS_OLDEST : 0),
      mode: permissions,
      anyOwner: (permissions & OTHERS) !== 0,
    },
  }
}

/**
 * That the topic is as was said.
 * @param {Member} member
 * @param {{ codec?: Codec, overflow?: Overflow }} stated
 */
export function agree(member, { codec, overflow }) {
  const theirs = member.dropsOldest ? 'drop-oldest' : 'wait'
  if (codec !== undefined && codec !== member.codec) throw disagreement('codec', codec, member.codec)
  if (overflow !== undefined && overflow !== theirs) throw disagreement('overflow', overflow, theirs)
  if (member.codec === 'structured' && !member.private) {
    throw coded(
      Error,
      'ERR_IPC_UNTRUSTED_OWNER',
      "Others than this user may write into the topic, so 'structured' is refused",
    )
  }
}

/** @param {string} what @param {string} ours @param {string} theirs */
function disagreement(what, ours, theirs) {
  return coded(
    Error,
    'ERR_IPC_VERSION',
    `The topic's ${what} is '${theirs}', as whoever made it says, and not '${ours}'`,
  )
}
