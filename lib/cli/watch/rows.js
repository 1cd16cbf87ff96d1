/**
 * What is watched, as rows: objects, and channels with what goes through them.
 *
 * @typedef {object} Row
 * @property {string} kind
 * @property {string} name
 * @property {string} size
 * @property {number} [messages] a second
 * @property {number} [bytes] a second
 * @property {boolean} [estimated]
 * @property {string} users
 */
import { KINDS, survey } from '../../list/list.js'
import { bytes, size, users } from '../objects/figures.js'
import { shortKind, shownCall } from '../objects/kinds.js'
import { called } from '../objects/people.js'
import { lookForChannels } from './channels.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** Milliseconds; together less than a sample takes. */
const LONGEST = 32

export class Watched {
  /** @type {Map<string, import('./channels.js').Channel>} */
  #channels = new Map()
  /** What had gone through when it was last told. @type {Map<string, { messages: number, bytes: number, at: number }>} */
  #told = new Map()

  constructor() {
    lookForChannels(this.#channels)
  }

  /** Often, so that nothing goes round unseen. */
  sample() {
    for (const { rings } of this.#channels.values()) {
      for (const ring of rings) if (!ring.sample()) probe(ring, 1)
    }
  }

  /** @param {(object: IpcObject) => boolean} wanted @returns {Row[]} */
  rows(wanted) {
    this.sample()
    const now = performance.now()
    const channels = [...this.#channels.values()].flatMap((channel) =>
      channel.rings.map((ring, side) => this.#row(channel, ring, side, now)),
    )
    lookForChannels(this.#channels)
    const objects = survey(new Set(hasProc() ? KINDS : KINDS.filter((kind) => !kind.startsWith('sysv-')))).objects
    return [
      ...channels,
      ...objects.filter(wanted).map((object) => ({
        kind: shortKind(object),
        name: shownCall(object),
        size: size(object),
        users: users(object),
      })),
    ]
  }

  /**
   * @param {import('./channels.js').Channel} channel
   * @param {import('./ring.js').Ring} ring
   * @param {number} side
   * @param {number} now
   * @returns {Row}
   */
  #row({ key, pids, since }, ring, side, now) {
    const name = `channel:${key.slice(key.indexOf(':') + 1)}/${side}`
    const { messages, bytes: count, at } = this.#told.get(name) ?? { messages: 0, bytes: 0, at: since }
    const seconds = (now - at) / 1000
    const { estimated } = ring
    ring.estimated = false
    this.#told.set(name, { messages: ring.messages, bytes: ring.bytes, at: now })
    return {
      kind: 'channel',
      name,
      size: ring.waiting === 0 ? 'empty' : `${bytes(ring.waiting)} of ${bytes(ring.capacity)}`,
      messages: seconds > 0 ? (ring.messages - messages) / seconds : 0,
      bytes: seconds > 0 ? (ring.bytes - count) / seconds : 0,
      estimated,
      users: [...pids]
        .sort((a, b) => a - b)
        .map(called)
        .join(', '),
    }
  }

  close() {
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
  }
}

/** Again and again, after longer and longer: it may come in bursts. @param {import('./ring.js').Ring} ring @param {number} pause */
function probe(ring, pause) {
  setTimeout(() => {
    if (!ring.probe() && pause < LONGEST) probe(ring, 2 * pause)
  }, pause)
}

function hasProc() {
  try {
    return survey(new Set(['sysv-queue'])) !== undefined
  } catch {
    return false
  }
}
