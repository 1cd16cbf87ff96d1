/**
 * A topic: messages from many to many, over one ring in memory that all of them have mapped. Every subscriber reads at its
 * own pace.
 */

import { codecs } from '../channel/codec.js'
import { isPlainBytes } from '../data.js'
import { invalidThis, invalidType } from '../errors.js'
import { fix, Handle } from '../handle.js'
import native from '../load.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { SubscriptionCore, TopicCore, topicOf } from './core.js'
import { Member } from './member.js'
import { agree, optionsOf } from './options.js'
import { Publish, Subscribe } from './publishing.js'
import { Reader } from './reader.js'
import { Subscription } from './subscription.js'
import { checkLength, DONE, lengthOf } from './writer.js'

/** What a publish that is done already gives. */
const PUBLISHED = Promise.resolve()
const TOPIC = 'a Topic'

/** @template [M=Buffer] */
export class Topic extends Handle {
  /** @type {TopicCore} */
  #core

  /** @param {TopicCore} core */
  constructor(core) {
    super(core)
    this.#core = core
    const { member, address } = core
    fix(this, 'address', address)
    fix(this, 'codec', member.codec)
    fix(this, 'overflow', member.dropsOldest ? 'drop-oldest' : 'wait')
    fix(this, 'capacity', member.capacity)
    fix(this, 'maxSubscribers', member.slots)
  }

  /** @param {string} address @param {object} [options] @returns {Topic<any>} */
  static open(address, options) {
    const place = addressOf(address)
    const { stated, native: checked } = optionsOf(objectOf(options))
    return topicOn(native.topicOpen(place, checked), place, stated)
  }

  /** @param {string} address */
  static unlink(address) {
    native.topicUnlink(addressOf(address))
  }

  /** @param {any} message @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<void>} */
  publish(message, options) {
    let core
    try {
      core = this.#core
    } catch {
      return Promise.reject(invalidThis(TOPIC))
    }
    if (options === undefined && core.credits > 0 && isFast(core, message)) {
      core.credits--
      try {
        if (core.member.writer.put(message) === DONE) return PUBLISHED
      } catch (error) {
        return Promise.reject(core.member.broke(error))
      }
    }
    try {
      const wait = waitOf(objectOf(options))
      const publish = publishOf(core, message)
      return core.submit(core.publishing, publish, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {any} message @returns {boolean} */
  tryPublish(message) {
    const core = topicOf(this)
    const publish = publishOf(core, message)
    return core.publishing.head === undefined && publish.attempt() !== BLOCKED
  }

  /** @param {any} message @param {{ timeout?: number }} [options] */
  publishSync(message, options) {
    const core = topicOf(this)
    const timeout = timeoutOf(objectOf(options))
    const publish = publishOf(core, message)
    // What was to be published before keeps its place.
    publish.block(timeout, () => {
      if (core.publishing.head !== undefined) core.publishing.onReady()
      return core.publishing.head === undefined
    })
  }

  /** @param {{ history?: number, timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<Subscription<any>>} */
  async subscribe(options) {
    const core = topicOf(this)
    const given = objectOf(options)
    const { history = 0 } = given
    if (history !== Number.POSITIVE_INFINITY) integer('options.history', history)
    const wait = waitOf(given)
    core.ready()
    const { member } = core
    const { decode } = codecs[member.codec]
    const subscribe = new Subscribe(core, history, (place) => {
      const reader = new Reader(member.writer, decode, place)
      return new Subscription(new SubscriptionCore(member, reader))
    })
    return core.submit(core.subscribing, subscribe, wait)
  }

  dup() {
    const core = topicOf(this)
    core.check()
    return /** @type {this} */ (topicOn(native.topicAgain(core.id), core.address, {}))
  }
}

/** What travels of a topic, and how it is rebuilt: the memory, found by its descriptor. */
export const handover = {
  /** @param {Topic} topic @returns {Omit<import('../handover.js').Parcel, 'kind'>} */
  describe(topic) {
    const { id, address } = topicOf(topic)
    return { fds: [native.topicSpare(id)], meta: { address } }
  },

  /** @param {{ fds: number[], meta: { [name: string]: any } }} parcel */
  rebuild({ fds, meta }) {
    const address = typeof meta.address === 'string' ? meta.address : null
    // A copy, so that the number stays as it is if this fails.
    const [fd] = native.descriptorsCopy(fds.slice(0, 1))
    const topic = topicOn(joined(fd), address, {}, fd)
    native.descriptorClose(fds[0])
    return topic
  },
}

/** @param {import('../../native.js').TopicFacts} facts @param {string | null} address @param {Parameters<typeof agree>[1]} stated @param {number} [fd] that it has come by */
function topicOn(facts, address, stated, fd = -1) {
  let member
  try {
    member = new Member(facts)
    agree(member, stated)
  } catch (error) {
    if (member !== undefined) member.release()
    else if (address !== null && fd < 0) native.topicAbandon(facts.id, address)
    else native.topicClose(facts.id)
    throw error
  }
  return new Topic(new TopicCore(member, address, fd))
}

/** @param {number} fd closed if it is none of a topic's */
function joined(fd) {
  try {
    return native.topicJoin(fd)
  } catch (error) {
    native.descriptorClose(fd)
    throw error
  }
}

/** Whether it can be published as it is. @param {TopicCore} core @param {unknown} message */
function isFast(core, message) {
  return (
    core.fast &&
    core.publishing.head === undefined &&
    core.member.failure === undefined &&
    isPlainBytes(message) &&
    lengthOf(message) <= core.member.memory.longest
  )
}

/** @param {TopicCore} core @param {unknown} message */
function publishOf(core, message) {
  const { encode, fresh } = codecs[core.member.codec]
  const payload = encode(message)
  checkLength(core.member.memory, payload)
  // What the message is made of may have been code of the user's, which has closed the topic.
  core.ready()
  return new Publish(core, payload, fresh)
}

/** @param {unknown} address @returns {string} */
function addressOf(address) {
  if (typeof address !== 'string') throw invalidType('address', 'of type string', address)
  return address
}
