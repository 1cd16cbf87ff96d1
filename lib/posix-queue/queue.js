/**
 * POSIX message queues: see mq_overview(7).
 */
import { Buffer } from 'node:buffer'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { bytesOf } from '../data.js'
import { coded, invalidState, invalidType, invalidValue } from '../errors.js'
import { coresOf, fix, Handle, isOwned } from '../handle.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { boolean, descriptor, integer, mode as modeOf, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { blockUntil, waitAndTry } from '../wait/sync.js'
import { QueueCore } from './core.js'
import { take } from './take.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {import('./take.js').Message} Message */

// By name of its own: a look into the addon, which has a hundred of them, would be felt in each message.
const { posixQueueSend } = native

/** MQ_PRIO_MAX is one more. */
const HIGHEST_PRIORITY = 32_767

/** In place of a time. For the main thread alone, which nobody can ask to end while it blocks: slices would be in vain. */
const FOR_EVER = 0xffffffff

const ACCESS = new Map([
  ['r', 0],
  ['w', 1],
  ['rw', 2],
])

/**
 * @param {QueueCore} core
 * @param {Uint8Array} data
 * @param {number} priority
 * @param {number} milliseconds to wait before, blocking this thread
 */
function put(core, data, priority, milliseconds) {
  if (posixQueueSend(core.id, data, priority, milliseconds) === 0) return undefined
  core.sending.exhausted()
  return BLOCKED
}

class Receive extends Operation {
  /** @param {QueueCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    return take(this.core, 0)
  }
}

class Send extends Operation {
  /** @param {QueueCore} core @param {Uint8Array} data @param {number} priority */
  constructor(core, data, priority) {
    super()
    this.core = core
    this.data = data
    this.priority = priority
  }

  attempt() {
    return put(this.core, this.data, this.priority, 0)
  }

  get mayFail() {
    return true
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    this.data = Buffer.from(this.data)
  }
}

/** @param {Record<string, any>} options @returns {number} */
function priorityOf({ priority }) {
  return priority === undefined ? 0 : integer('options.priority', priority, 0, HIGHEST_PRIORITY)
}

/**
 * Comes after everything that runs code of the caller's: a getter could change the data, or close the handle.
 * @param {QueueCore} core
 * @param {unknown} data
 */
function messageOf(core, data) {
  const bytes = bytesOf(data)
  core.check()
  if (bytes.length > core.maxMessageSize) throw tooLarge(core, bytes.length)
  return bytes
}

/** @param {QueueCore} core @param {number} length */
function tooLarge({ maxMessageSize }, length) {
  return coded(
    Error,
    'EMSGSIZE',
    `EMSGSIZE: a message of this queue holds at most ${maxMessageSize} bytes, and this has ${length}`,
    {
      errno: -constants.errno.EMSGSIZE,
      syscall: 'mq_send',
      hint:
        "the limit is the queue's maxMessageSize, given when it is made, at most /proc/sys/fs/mqueue/msgsize_max: " +
        'raise that with sysctl fs.mqueue.msgsize_max',
    },
  )
}

/** @param {string | null | undefined} name @param {boolean} create */
function checkName(name, create) {
  if (typeof name === 'string') return
  if (name !== null) throw invalidType('name', 'of type string or null', name)
  if (!create) throw invalidValue('name', name, 'must be that of a queue: null is for create: true')
}

/** @param {unknown} access @returns {number} */
function accessOf(access) {
  if (access === undefined) return 2
  if (typeof access !== 'string') throw invalidType('options.access', 'of type string', access)
  const number = ACCESS.get(access)
  if (number === undefined) throw invalidValue('options.access', access, "must be 'r', 'w' or 'rw'")
  return number
}

/** @param {string} name @param {unknown} size */
function sizeOf(name, size) {
  return size === undefined ? undefined : integer(name, size, 1, 0x7fffffff)
}

const queueOf = coresOf(QueueCore, 'a PosixMessageQueue')

export class PosixMessageQueue extends Handle {
  /** @param {QueueCore} core @param {string | null} name */
  constructor(core, name) {
    super(core)
    fix(this, 'name', name)
    fix(this, 'maxMessages', core.maxMessages)
    fix(this, 'maxMessageSize', core.maxMessageSize)
  }

  /**
   * @param {string | null} name
   * @param {{ create?: boolean, exclusive?: boolean, mode?: number, maxMessages?: number, maxMessageSize?: number, access?: 'r' | 'w' | 'rw' }} [options]
   */
  static open(name, options) {
    const { create, exclusive, mode, maxMessages, maxMessageSize, access } = objectOf(options)
    const given = {
      create: boolean('options.create', create, false),
      exclusive: boolean('options.exclusive', exclusive, false),
      mode: modeOf('options.mode', mode, 0o600),
      maxMessages: sizeOf('options.maxMessages', maxMessages),
      maxMessageSize: sizeOf('options.maxMessageSize', maxMessageSize),
      access: accessOf(access),
    }
    checkName(name, given.create)
    const facts = native.posixQueueOpen(name, given)
    return new PosixMessageQueue(new QueueCore(facts), name ?? facts.name ?? null)
  }

  /** @param {number} fd */
  static fromFd(fd) {
    return adopt(fd, null)
  }

  /** @param {string} name */
  static unlink(name) {
    if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
    native.posixQueueUnlink(name)
  }

  get size() {
    const core = queueOf(this)
    core.check()
    return native.posixQueueSize(core.id)
  }

  /** @param {unknown} data @param {{ priority?: number } & WaitOptions} [options] */
  send(data, options) {
    try {
      const core = queueOf(this)
      const given = objectOf(options)
      const priority = priorityOf(given)
      const wait = waitOf(given)
      return core.sending.submit(new Send(core, messageOf(core, data), priority), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {unknown} data @param {{ priority?: number }} [options] @returns {boolean} */
  trySend(data, options) {
    const core = queueOf(this)
    const priority = priorityOf(objectOf(options))
    const bytes = messageOf(core, data)
    return core.sending.head === undefined && put(core, bytes, priority, 0) !== BLOCKED
  }

  /** @param {unknown} data @param {{ priority?: number, timeout?: number }} [options] */
  sendSync(data, options) {
    const core = queueOf(this)
    const given = objectOf(options)
    const priority = priorityOf(given)
    const timeout = timeoutOf(given)
    const bytes = messageOf(core, data)
    const { sending } = core
    if (sending.head === undefined) {
      if (put(core, bytes, priority, 0) === BLOCKED) {
        waitAndTry((milliseconds) => put(core, bytes, priority, milliseconds), timeout)
      }
      return
    }
    blockUntil(
      () => {
        // What is queued already goes first.
        sending.onReady()
        core.check()
        return sending.head === undefined ? put(core, bytes, priority, 0) : BLOCKED
      },
      (milliseconds) => native.posixQueueBlock(core.id, milliseconds),
      timeout,
    )
  }

  /** @param {WaitOptions} [options] @returns {Promise<Message>} */
  recv(options) {
    try {
      const core = queueOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.receiving.submit(new Receive(core), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {Message | undefined} */
  tryRecv() {
    const core = queueOf(this)
    core.check()
    const message = take(core, 0)
    return message === BLOCKED ? undefined : message
  }

  /** @param {{ timeout?: number }} [options] @returns {Message} */
  recvSync(options) {
    const core = queueOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    if (timeout === Number.POSITIVE_INFINITY && isMainThread) {
      const message = take(core, FOR_EVER)
      if (message !== BLOCKED) return message
    } else if (core.vain === 0) {
      const message = take(core, 0)
      if (message !== BLOCKED) return message
    } else {
      core.vain--
    }
    return waitAndTry((milliseconds) => take(core, milliseconds), timeout)
  }

  /** @param {WaitOptions} [options] @returns {AsyncIterableIterator<Message>} */
  iterate(options) {
    const core = queueOf(this)
    const wait = waitOf(objectOf(options))
    return iterate(
      core,
      () => core.receiving,
      () => new Receive(core),
      wait,
    )
  }

  [SOURCE]() {
    const core = queueOf(this)
    core.check()
    return { core, direction: core.receiving, operation: new Receive(core) }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }

  /** @param {WaitOptions} [options] @returns {Promise<void>} */
  notify(options) {
    try {
      const core = queueOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.notices.submit(wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  unlink() {
    const core = queueOf(this)
    core.check()
    const { name } = /** @type {{ name: string | null }} */ (/** @type {unknown} */ (this))
    if (name === null) throw invalidState('Nobody has told the name of this queue: it was adopted by its descriptor')
    native.posixQueueUnlink(name)
  }

  dup() {
    const core = queueOf(this)
    core.check()
    const { name } = /** @type {{ name: string | null }} */ (/** @type {unknown} */ (this))
    return /** @type {this} */ (new PosixMessageQueue(new QueueCore(native.posixQueueDuplicate(core.id)), name))
  }
}

/**
 * A queue by its descriptor, with the name that it had where it comes from.
 * @param {unknown} fd
 * @param {string | null} name
 */
export function adopt(fd, name) {
  const number = descriptor('fd', fd)
  if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
  return new PosixMessageQueue(new QueueCore(native.posixQueueAdopt(number)), name)
}
