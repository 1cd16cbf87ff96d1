/**
 * What is watched, as rows: objects, and channels and topics with what goes through them.
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
import { visible } from '../escape.js'
import { bytes, plural, size, users } from '../objects/figures.js'
import { shortKind, shownCall } from '../objects/kinds.js'
import { called } from '../objects/people.js'
import { lookForChannels } from './channels.js'
import { lookForTopics } from './topics.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** Milliseconds; together less than a sample takes. */
const LONGEST = 32

export class Watched {
  /** @type {Map<string, import('./channels.js').Channel>} */
  #channels = new Map()
  /** @type {Map<string, import('./topics.js').WatchedTopic>} */
  #topics = new Map()
  /** What had gone through when it was last told. @type {Map<string, { messages: number, bytes: number, at: number }>} */
  #told = new Map()

  constructor() {
    this.#look()
  }

  #look() {
    lookForChannels(this.#channels)
    lookForTopics(this.#topics)
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
    const topics = [...this.#topics.values()].map((topic) => this.#topicRow(topic, now))
    this.#look()
    const objects = survey(new Set(hasProc() ? KINDS : KINDS.filter((kind) => !kind.startsWith('sysv-')))).objects
    return [
      ...channels,
      ...topics,
      ...objects.filter(wanted).map((object) => ({
        kind: shortKind(object),
        name: shownCall(object),
        size: size(object),
        // This process has some open only because it looks.
        users: users({ ...object, holders: object.holders?.filter((pid) => pid !== process.pid) }),
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
    const { estimated } = ring
    ring.estimated = false
    return {
      kind: 'channel',
      name,
      size: ring.waiting === 0 ? 'empty' : `${bytes(ring.waiting)} of ${bytes(ring.capacity)}`,
      ...this.#rates(name, ring, since, now),
      estimated,
      users: those(pids),
    }
  }

  /** @param {import('./topics.js').WatchedTopic} topic @param {number} now @returns {Row} */
  #topicRow(topic, now) {
    const name = `topic:${visible(topic.name)}`
    const { count, behind } = topic.subscribers()
    return {
      kind: 'topic',
      name,
      size: `${plural(count, 'subscriber')}${behind === 0 ? '' : `, ${bytes(behind)} behind`}`,
      ...this.#rates(name, topic.counts(), topic.since, now),
      users: those(topic.pids),
    }
  }

  /**
   * A second, since they were last told.
   * @param {string} name
   * @param {{ messages: number, bytes: number }} so far
   * @param {number} since
   * @param {number} now
   */
  #rates(name, { messages, bytes }, since, now) {
    const before = this.#told.get(name) ?? { messages: 0, bytes: 0, at: since }
    const seconds = (now - before.at) / 1000
    this.#told.set(name, { messages, bytes, at: now })
    /** @param {number} more */
    const rate = (more) => (seconds > 0 ? more / seconds : 0)
    return { messages: rate(messages - before.messages), bytes: rate(bytes - before.bytes) }
  }

  close() {
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
    for (const topic of this.#topics.values()) topic.close()
    this.#topics.clear()
  }
}

/** @param {Set<number>} pids */
function those(pids) {
  return [...pids]
    .sort((a, b) => a - b)
    .map(called)
    .join(', ')
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
