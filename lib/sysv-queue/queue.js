/**
 * System V message queues: whole messages with a type, which receivers select by. See msgop(2).
 */
import { isMainThread } from 'node:worker_threads'
import { bytesOf } from '../data.js'
import { invalidType, notSupported, timedOut } from '../errors.js'
import { fix, Handle } from '../handle.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { idOf, keyOf, openingKey } from '../sysv/key.js'
import { dateOf, openOptionsOf, ownershipOf } from '../sysv/permissions.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { QueueCore, queueOf } from './core.js'
import { frameWith } from './frame.js'
import { refusal } from './limits.js'
import { Receive, receive, take } from './receiving.js'
import { selectorOf } from './select.js'
import { put, Send } from './sending.js'
import { block, collect } from './told.js'

/** @typedef {import('../../index.js').SysvMessage} SysvMessage */
/** @typedef {{ type?: number, except?: boolean, truncate?: number }} Select */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

const FOR_EVER = 0xffffffff
/** The kernel takes as many bits of maxBytes, and drops what is above them without a word. */
const LARGEST_QUEUE = 0x7fffffff
/** Milliseconds: so soon a worker that is being terminated is to see it. The main thread cannot be, and keeps its place. */
const SLICE = isMainThread ? FOR_EVER : 100

/**
 * Calls `call` again with the time that may pass in it, until it gives something else than BLOCKED. What can be done at once
 * wins over the timeout, so `attempt`, which does not wait, has the last word.
 * @template T
 * @param {() => T | typeof BLOCKED} attempt
 * @param {(milliseconds: number) => T | typeof BLOCKED} call
 * @param {number} timeout
 * @returns {T}
 */
function inSlices(attempt, call, timeout) {
  const deadline = timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
  for (;;) {
    const left = deadline === Number.POSITIVE_INFINITY ? deadline : deadline - performance.now()
    const result = left > 0 ? call(left < SLICE ? Math.ceil(left) : SLICE) : attempt()
    if (result !== BLOCKED) return /** @type {T} */ (result)
    if (left <= 0) throw timedOut()
  }
}

/** @param {Record<string, any>} options @returns {number} */
function typeOf({ type }) {
  return type === undefined ? 1 : integer('options.type', type, 1)
}

export class SysvMessageQueue extends Handle {
  /** @param {QueueCore} core */
  constructor(core) {
    super(core)
    fix(this, 'key', core.key)
    fix(this, 'id', core.number)
  }

  /** @param {number | 'private'} key @param {{ create?: boolean, exclusive?: boolean, mode?: number }} [options] */
  static open(key, options) {
    const number = keyOf(key)
    const { create, exclusive, mode } = openOptionsOf(options, number)
    const facts = openingKey(number, () => native.sysvQueueOpen(number, create, exclusive, mode))
    return new SysvMessageQueue(new QueueCore(facts))
  }

  /** @param {number} id */
  static fromId(id) {
    return new SysvMessageQueue(new QueueCore(native.sysvQueueFromId(idOf(id))))
  }

  dup() {
    const core = queueOf(this)
    core.check()
    return /** @type {this} */ (new SysvMessageQueue(new QueueCore(native.sysvQueueDuplicate(core.id))))
  }

  /** @param {unknown} data @param {{ type?: number } & WaitOptions} [options] @returns {Promise<void>} */
  send(data, options) {
    try {
      const core = queueOf(this)
      const given = objectOf(options)
      const type = typeOf(given)
      const wait = waitOf(given)
      // After the options, whose getters may change it.
      const bytes = bytesOf(data)
      core.check()
      return core.sending.submit(new Send(core, type, bytes), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {unknown} data @param {{ type?: number }} [options] */
  trySend(data, options) {
    const core = queueOf(this)
    const type = typeOf(objectOf(options))
    const bytes = bytesOf(data)
    core.check()
    return core.sending.head === undefined && put(core, type, bytes)
  }

  /** @param {unknown} data @param {{ type?: number, timeout?: number }} [options] */
  sendSync(data, options) {
    const core = queueOf(this)
    const given = objectOf(options)
    const type = typeOf(given)
    const timeout = timeoutOf(given)
    const bytes = bytesOf(data)
    core.check()
    const attempt = () => (core.sending.head === undefined && put(core, type, bytes) ? undefined : BLOCKED)
    // Most find room: those need no clock.
    if (attempt() === BLOCKED) {
      inSlices(attempt, (milliseconds) => sendFor(core, type, bytes, milliseconds), timeout)
    }
  }

  /** @param {Select & WaitOptions} [options] @returns {Promise<SysvMessage>} */
  recv(options) {
    try {
      const core = queueOf(this)
      const given = objectOf(options)
      const selector = selectorOf(given)
      const wait = waitOf(given)
      core.check()
      return core.receivingOf(selector).submit(new Receive(core, selector), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {Select} [options] @returns {SysvMessage | undefined} */
  tryRecv(options) {
    const core = queueOf(this)
    const selector = selectorOf(objectOf(options))
    core.check()
    const message = take(core, selector)
    return message === BLOCKED ? undefined : message
  }

  /** @param {Select & { timeout?: number }} [options] @returns {SysvMessage} */
  recvSync(options) {
    const core = queueOf(this)
    const given = objectOf(options)
    const selector = selectorOf(given)
    const timeout = timeoutOf(given)
    core.check()
    const except = Number(selector.except)
    return inSlices(
      () => take(core, selector),
      (milliseconds) => receive(selector, (frame) => native.sysvQueueReceiveSync(core.id, frame, except, milliseconds)),
      timeout,
    )
  }

  /** @param {number} [index] @returns {SysvMessage | undefined} */
  peek(index = 0) {
    const core = queueOf(this)
    integer('index', index, 0, 0x7fffffff)
    core.check()
    try {
      const message = receive(selectorOf({}), (frame) => native.sysvQueuePeek(core.id, frame, index))
      return message === BLOCKED ? undefined : message
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ENOSYS') throw error
      throw notSupported('This kernel does not show messages without giving them away (CONFIG_CHECKPOINT_RESTORE)')
    }
  }

  /**
   * @param {Select & WaitOptions} [options]
   * @returns {AsyncIterableIterator<SysvMessage>}
   */
  iterate(options) {
    const core = queueOf(this)
    const given = objectOf(options)
    const selector = selectorOf(given)
    const wait = waitOf(given)
    return iterate(
      core,
      () => core.receivingOf(selector),
      () => new Receive(core, selector),
      wait,
    )
  }

  [SOURCE]() {
    const core = queueOf(this)
    core.check()
    const selector = selectorOf({})
    return { core, direction: core.receivingOf(selector), operation: new Receive(core, selector) }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }

  stat() {
    const core = queueOf(this)
    core.check()
    const { lastSend, lastRecv, changed, ...rest } = native.sysvQueueStat(core.id)
    return {
      ...rest,
      lastSendTime: dateOf(lastSend),
      lastRecvTime: dateOf(lastRecv),
      changeTime: new Date(changed * 1000),
    }
  }

  /** @param {{ uid?: number, gid?: number, mode?: number, maxBytes?: number }} changes */
  set(changes) {
    const core = queueOf(this)
    if (changes === undefined) throw invalidType('changes', 'an object', changes)
    const given = objectOf(changes, 'changes')
    const { maxBytes } = given
    const bytes = maxBytes === undefined ? undefined : integer('changes.maxBytes', maxBytes, 1, LARGEST_QUEUE)
    const { uid, gid, mode } = ownershipOf(given)
    core.check()
    native.sysvQueueSet(core.id, uid, gid, mode, bytes)
  }

  remove() {
    const core = queueOf(this)
    core.check()
    native.sysvQueueRemove(core.id)
  }
}

/** Milliseconds that a queued send is given before it is asked for again. */
const LONGEST_BLOCK = 100

/**
 * Sends on this thread, after what is queued already.
 * @param {QueueCore} core
 * @param {number} type
 * @param {Uint8Array} bytes
 * @param {number} milliseconds
 */
function sendFor(core, type, bytes, milliseconds) {
  const { sending } = core
  if (sending.head !== undefined) {
    sending.retry()
    if (sending.head !== undefined) block(Math.min(milliseconds, LONGEST_BLOCK))
    collect()
    core.check()
    return BLOCKED
  }
  if (put(core, type, bytes)) return undefined
  try {
    const status = native.sysvQueueSendSync(core.id, frameWith(type, bytes), bytes.length, milliseconds)
    return status === 0 ? undefined : BLOCKED
  } catch (error) {
    throw refusal(core, bytes.length, error)
  }
}
