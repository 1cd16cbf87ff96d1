/**
 * Unix domain sockets: see unix(7).
 */
import { targetOf } from '../data.js'
import { invalidState, invalidType, invalidValue, timedOut } from '../errors.js'
import { fix, Handle, isOwned } from '../handle.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { adopt as adoptProcess } from '../process/handle.js'
import { isEnd, SOURCE } from '../select/source.js'
import { descriptor, integer, mode as modeOf, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { runJob } from '../wait/job.js'
import { blockUntil } from '../wait/sync.js'
import { addressOf, numberOf } from './address.js'
import { SocketCore, socketOf, TYPES } from './core.js'
import { SocketStream } from './duplex.js'
import { begin, checkFree, fromSocket, toSocket } from './net-socket.js'
import { allOutgoing, outgoing } from './outgoing.js'
import { Receive, ReceiveInto, ReceiveMany, take } from './receiving.js'
import { Send, SendMany, tryPut } from './sending.js'
import { replaces } from './stale.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {{ to?: string, fds?: Array<number | Handle> }} SendOptions */
/** @typedef {import('./message.js').SocketMessage} SocketMessage */
/** @typedef {'stream' | 'datagram' | 'seqpacket'} SocketType */

/** How many messages `recvMany` takes at once, unless it is told. */
const MANY = 64

const HOW = ['read', 'write', 'both']

/** @param {string} name @param {unknown} type @returns {number} */
function typeOf(name, type) {
  if (type === undefined) return 0
  if (typeof type !== 'string') throw invalidType(name, 'of type string', type)
  const number = TYPES.indexOf(/** @type {SocketType} */ (type))
  if (number < 0) throw invalidValue(name, type, "must be 'stream', 'datagram' or 'seqpacket'")
  return number
}

/** @param {Record<string, any>} options @returns {number | undefined} */
function maxBytesOf({ maxBytes }) {
  return maxBytes === undefined ? undefined : integer('options.maxBytes', maxBytes, 1, 0x7fffffff)
}

/** @param {string} name @param {unknown} size @returns {number | undefined} */
function sizeOf(name, size) {
  return size === undefined ? undefined : integer(name, size, 1, 0x3fffffff)
}

export class UnixSocket extends Handle {
  /** @param {SocketCore} core @param {import('./core.js').Facts} facts */
  constructor(core, facts) {
    super(core)
    const [pid, uid, gid] = facts.peer ?? []
    fix(this, 'type', core.type)
    fix(this, 'address', facts.address ?? null)
    fix(this, 'peer', facts.peer ? Object.freeze({ pid, uid, gid }) : null)
    fix(this, 'peerGroups', facts.peerGroups ?? undefined)
  }

  /** @param {SocketType} [type] */
  static pair(type) {
    return native.unixSocketPair(typeOf('type', type)).map(opened)
  }

  /**
   * @param {string} address
   * @param {{ type?: SocketType } & WaitOptions} [options]
   */
  static async connect(address, options) {
    const given = objectOf(options)
    const kind = typeOf('options.type', given.type)
    const wait = waitOf(given)
    const target = addressOf('address', address)
    if (wait.signal?.aborted) throw wait.signal.reason
    const facts = native.unixSocketConnect(kind, target)
    if (facts) return opened(facts)
    if (wait.timeout === 0) throw timedOut()
    const id = await runJob((reactor, token) => native.unixSocketConnectWaiting(reactor, token, kind, target), wait)
    try {
      return opened(native.unixSocketFacts(id))
    } catch (error) {
      native.unixSocketClose(id)
      throw error
    }
  }

  /** @param {string} address @param {{ mode?: number, onStale?: 'fail' | 'replace' }} [options] */
  static bind(address, options) {
    const { mode, onStale } = objectOf(options)
    const bits = modeOf('options.mode', mode, 0o600)
    const replace = replaces(onStale)
    const target = addressOf('address', address)
    return opened(native.unixSocketBind(target === 'auto' ? null : target, bits, replace))
  }

  /** @param {number} fd */
  static fromFd(fd) {
    const number = descriptor('fd', fd)
    if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
    return opened(native.unixSocketAdopt(number))
  }

  /** @param {import('node:net').Socket} socket */
  static fromSocket(socket) {
    const { facts, rest } = fromSocket(socket)
    const core = new SocketCore(facts)
    begin(core, rest)
    return new UnixSocket(core, facts)
  }

  peerProcess() {
    const core = socketOf(this)
    core.check()
    const fd = native.unixSocketPeerProcess(core.id)
    if (typeof fd !== 'number') return undefined
    try {
      return adoptProcess(fd)
    } catch (error) {
      native.descriptorClose(fd)
      throw error
    }
  }

  /** @param {unknown} data @param {SendOptions & WaitOptions} [options] @returns {Promise<void>} */
  send(data, options) {
    try {
      const core = socketOf(this)
      const given = objectOf(options)
      const wait = waitOf(given)
      const message = outgoing(core, data, given)
      core.check()
      return core.sending.submit(new Send(core, message), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {unknown} data @param {SendOptions} [options] @returns {any} */
  trySend(data, options) {
    const core = socketOf(this)
    const message = outgoing(core, data, objectOf(options))
    core.check()
    const none = core.isStream ? 0 : false
    if (core.sending.head !== undefined || (core.isStream && message.data.length === 0)) return none
    const count = tryPut(core, message)
    if (count === BLOCKED) return none
    return core.isStream ? count : true
  }

  /** @param {unknown} data @param {SendOptions & { timeout?: number }} [options] */
  sendSync(data, options) {
    const core = socketOf(this)
    const given = objectOf(options)
    const timeout = timeoutOf(given)
    const message = outgoing(core, data, given)
    core.check()
    const { sending } = core
    const send = new Send(core, message)
    try {
      blockUntil(
        () => {
          // What is queued already goes first.
          if (sending.head !== undefined) sending.onReady()
          if (sending.isHeld) throw invalidState('A splice into this socket is under way')
          core.check()
          return sending.head === undefined ? send.attempt() : BLOCKED
        },
        (milliseconds) => {
          const { to } = message
          native.unixSocketBlockForRoom(core.id, to === undefined ? 0 : numberOf(to), milliseconds)
        },
        timeout,
      )
    } catch (error) {
      throw send.failure(error)
    }
  }

  /** @param {{ maxBytes?: number } & WaitOptions} [options] @returns {Promise<SocketMessage | null>} */
  recv(options) {
    try {
      const core = socketOf(this)
      const given = objectOf(options)
      const maxBytes = maxBytesOf(given)
      const wait = waitOf(given)
      core.check()
      return core.receiving.submit(new Receive(core, maxBytes), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ maxBytes?: number }} [options] @returns {SocketMessage | null | undefined} */
  tryRecv(options) {
    const core = socketOf(this)
    const maxBytes = maxBytesOf(objectOf(options))
    core.check()
    const message = take(core, maxBytes)
    return message === BLOCKED ? undefined : message
  }

  /** @param {{ maxBytes?: number, timeout?: number }} [options] @returns {SocketMessage | null} */
  recvSync(options) {
    const core = socketOf(this)
    const given = objectOf(options)
    const maxBytes = maxBytesOf(given)
    const timeout = timeoutOf(given)
    core.check()
    return blockUntil(
      () => take(core, maxBytes),
      (milliseconds) => native.unixSocketBlock(core.id, milliseconds),
      timeout,
    )
  }

  /**
   * @param {ArrayBufferView} target
   * @param {WaitOptions} [options]
   * @returns {Promise<number>}
   */
  recvInto(target, options) {
    try {
      const core = socketOf(this)
      if (!core.isStream) throw invalidState('recvInto is for sockets of the type stream: others have messages')
      targetOf(target)
      const wait = waitOf(objectOf(options))
      if (target.byteLength === 0) throw invalidValue('target', target, 'must not be empty')
      core.check()
      return core.receiving.submit(new ReceiveInto(core, target), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * @param {Array<any>} messages
   * @param {WaitOptions} [options]
   * @returns {Promise<void>}
   */
  sendMany(messages, options) {
    try {
      const core = socketOf(this)
      const wait = waitOf(objectOf(options))
      const all = allOutgoing(core, messages)
      core.check()
      return core.sending.submit(new SendMany(core, all), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ max?: number, maxBytes?: number } & WaitOptions} [options] @returns {Promise<SocketMessage[]>} */
  recvMany(options) {
    try {
      const core = socketOf(this)
      const given = objectOf(options)
      const { max } = given
      const most = max === undefined ? MANY : integer('options.max', max, 1)
      const maxBytes = maxBytesOf(given)
      const wait = waitOf(given)
      core.check()
      return core.receiving.submit(new ReceiveMany(core, most, maxBytes), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ maxBytes?: number } & WaitOptions} [options] @returns {AsyncIterableIterator<SocketMessage>} */
  iterate(options) {
    const core = socketOf(this)
    const given = objectOf(options)
    const maxBytes = maxBytesOf(given)
    const wait = waitOf(given)
    return iterate(
      core,
      () => core.receiving,
      () => new Receive(core, maxBytes),
      wait,
    )
  }

  [SOURCE]() {
    const core = socketOf(this)
    core.check()
    return { core, direction: core.receiving, operation: new Receive(core, maxBytesOf({})), ends: isEnd }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }

  get bufferSizes() {
    const core = socketOf(this)
    core.check()
    const [send, recv] = native.unixSocketBufferSizes(core.id)
    return { send, recv }
  }

  set bufferSizes(sizes) {
    const core = socketOf(this)
    const { send, recv } = objectOf(sizes, 'bufferSizes')
    const [forSending, forReceiving] = [sizeOf('bufferSizes.send', send), sizeOf('bufferSizes.recv', recv)]
    core.check()
    native.unixSocketSetBufferSizes(core.id, forSending, forReceiving)
    // What waits for room may have it now, and nobody tells.
    core.sending.onReady()
  }

  get queuedBytes() {
    const core = socketOf(this)
    core.check()
    return native.unixSocketQueued(core.id)
  }

  /** @param {'read' | 'write' | 'both'} [how] */
  shutdown(how = 'both') {
    const core = socketOf(this)
    if (typeof how !== 'string') throw invalidType('how', 'of type string', how)
    const number = HOW.indexOf(how)
    if (number < 0) throw invalidValue('how', how, "must be 'read', 'write' or 'both'")
    core.check()
    native.unixSocketShutdown(core.id, number)
    if (how !== 'read') core.sendsNoMore()
    // Of datagrams the kernel says nothing.
    if (core.isDatagram && how !== 'write') core.shut()
  }

  duplex() {
    const core = socketOf(this)
    checkFree(core, 'a Duplex')
    return new SocketStream(core)
  }

  toSocket() {
    return toSocket(socketOf(this))
  }

  dup() {
    const core = socketOf(this)
    core.check()
    return /** @type {this} */ (opened(native.unixSocketDuplicate(core.id)))
  }
}

/** @param {import('./core.js').Facts} facts */
export function opened(facts) {
  return new UnixSocket(new SocketCore(facts), facts)
}
