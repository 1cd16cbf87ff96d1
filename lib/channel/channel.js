/**
 * One end of a channel: messages over shared memory, to and from one other process.
 *
 * What is called for each message looks at as little as possible: whether a plain message can be written or read at once.
 * Everything else is behind that.
 */
import { isPlainBytes, targetOf } from '../data.js'
import { coded, invalidState, invalidThis, notSupported } from '../errors.js'
import { coresOf, Handle } from '../handle.js'
import { isEnd, SOURCE } from '../select/source.js'
import { descriptor, FOR_EVER, integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { connect } from './connect.js'
import { ChannelCore } from './core.js'
import { NOTHING } from './incoming.js'
import { Borrow, borrow, borrowPlain, reserve, reserveNow } from './lending.js'
import { fromFd, pair } from './pair.js'
import { portFor } from './port.js'
import { Take, TakeEnvelope, TakeInto, TakeMany, take, takeInto } from './receiving.js'
import { checkLength, checkPeer, Flush, Mark, parcelsOf, Send, sendUnbounded } from './sending.js'

/** What a send that is done already gives. */
const SENT = Promise.resolve()
const DONE = Object.freeze({ value: undefined, done: true })

const CHANNEL = 'a Channel'
const coreOf = coresOf(ChannelCore, CHANNEL)

/** @template [M=Buffer] */
export class Channel extends Handle {
  /** @type {ChannelCore} */
  #core
  /** @param {ChannelCore} core */
  constructor(core) {
    super(core)
    this.#core = core
  }

  /** @param {object} [options] @returns {[Channel<any>, Channel<any>]} */
  static pair(options) {
    return pair(objectOf(options))
  }

  /** @param {number} fd @param {object} [options] @returns {Channel<any>} */
  static fromFd(fd, options) {
    return fromFd(descriptor('fd', fd), objectOf(options))
  }

  /** @param {string} address @param {object} [options] @returns {Promise<Channel<any>>} */
  static async connect(address, options) {
    return connect(address, objectOf(options))
  }

  get peer() {
    const core = coreOf(this)
    core.listen()
    return core.control.peer
  }

  get unsent() {
    return coreOf(this).unsent
  }

  get stats() {
    const { incoming, outgoing, wakeups, attached } = coreOf(this)
    if (!attached) return { sent: 0, received: 0, bytesSent: 0, bytesReceived: 0, wakeups, waits: 0 }
    return {
      sent: outgoing.sent,
      received: incoming.received,
      bytesSent: outgoing.bytesSent,
      bytesReceived: incoming.bytesReceived,
      wakeups,
      waits: incoming.waits + outgoing.waits,
    }
  }

  /** @param {any} message @param {{ handles?: Handle[], timeout?: number, signal?: AbortSignal }} [options] */
  send(message, options) {
    let core
    try {
      core = this.#core
    } catch {
      return Promise.reject(invalidThis(CHANNEL))
    }
    if (options === undefined && core.sendsFast && core.sending.head === undefined && isPlainBytes(message)) {
      try {
        if (core.outgoing.putFast(message)) return SENT
      } catch (error) {
        return Promise.reject(core.broke(error))
      }
    }
    return this.#send(message, options)
  }

  /** @param {unknown} message @param {unknown} options */
  #send(message, options) {
    try {
      const core = coreOf(this)
      const given = objectOf(options)
      const { handles } = given
      const wait = waitOf(given)
      core.ready()
      const send = sendOf(core, message, handles, wait.signal)
      if (send === undefined) return SENT
      if (core.unbounded) return sendUnbounded(core, send)
      return core.sending.submit(send, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {any} message @param {{ handles?: Handle[] }} [options] */
  trySend(message, options) {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(CHANNEL)
    }
    if (options === undefined && core.sendsFast && core.sending.head === undefined && isPlainBytes(message)) {
      try {
        if (core.outgoing.putFast(message)) return true
      } catch (error) {
        throw core.broke(error)
      }
    }
    return this.#trySend(message, options)
  }

  /** @param {unknown} message @param {unknown} options */
  #trySend(message, options) {
    const core = coreOf(this)
    const { handles } = objectOf(options)
    core.ready()
    const send = sendOf(core, message, handles)
    if (send === undefined) return true
    if (core.unbounded) {
      if (core.queued + send.payload.byteLength > core.maxQueued) return false
      sendUnbounded(core, send).catch(() => {})
      return true
    }
    if (core.sending.head !== undefined) return false
    if (core.facts.rendezvous && !core.outgoing.awaited) return false
    if (!send.canBegin(core.outgoing)) return false
    if (send.attempt() !== BLOCKED) return true
    if (!send.begun) return false
    // It has begun, so it is finished.
    core.sending.enqueue(send, FOR_EVER).catch(() => {})
    return true
  }

  /** @param {any} message @param {{ handles?: Handle[], timeout?: number }} [options] */
  sendSync(message, options) {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(CHANNEL)
    }
    if (options === undefined && core.sendsFast && core.sending.head === undefined && isPlainBytes(message)) {
      try {
        if (core.outgoing.putFast(message)) return
      } catch (error) {
        throw core.broke(error)
      }
    }
    this.#sendSync(message, options)
  }

  /** @param {unknown} message @param {unknown} options */
  #sendSync(message, options) {
    const core = coreOf(this)
    const given = objectOf(options)
    const { handles } = given
    const timeout = timeoutOf(given)
    core.ready()
    const send = sendOf(core, message, handles)
    if (send === undefined) return
    const attempt = () => {
      // Sends keep their order.
      if (core.sending.head !== undefined) core.sending.onReady()
      return core.sending.head === undefined ? send.attempt() : BLOCKED
    }
    try {
      this.#block(attempt, timeout, () => core.outgoing.stirs())
    } catch (error) {
      if (/** @type {any} */ (error).code === 'ETIMEDOUT' && send.escaped && attempt() !== BLOCKED) return
      throw send.failure(error)
    }
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<any>} */
  recv(options) {
    let core
    try {
      core = this.#core
    } catch {
      return Promise.reject(invalidThis(CHANNEL))
    }
    if (options === undefined && core.receivesFast && core.receiving.head === undefined && core.credits-- > 0) {
      const { incoming } = core
      try {
        const message = incoming.take()
        if (message !== NOTHING) {
          if (incoming.handles !== undefined) core.dropHandles()
          return Promise.resolve(message)
        }
      } catch (error) {
        return Promise.reject(core.broke(error))
      }
    }
    return receive(this, Take, options)
  }

  /** @returns {any} */
  tryRecv() {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(CHANNEL)
    }
    if (core.receivesFast) {
      const { incoming } = core
      let message
      try {
        message = incoming.take()
      } catch (error) {
        throw core.broke(error)
      }
      if (message !== NOTHING) {
        if (incoming.handles !== undefined) core.dropHandles()
        return message
      }
      // Only the other side's hang-up would make a difference, and that is told of.
      if (!core.gone && core.quiet()) return undefined
    }
    return this.#tryRecv()
  }

  #tryRecv() {
    const core = coreOf(this)
    core.ready()
    core.listen()
    const message = take(core)
    if (message === BLOCKED) return undefined
    core.dropHandles()
    return message
  }

  /** @param {{ timeout?: number }} [options] @returns {any} */
  recvSync(options) {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(CHANNEL)
    }
    if (options === undefined && core.receivesFast && !core.gone) {
      const { incoming } = core
      let message
      try {
        message = incoming.take()
        if (message === NOTHING && core.spin.until(core.stirs)) message = incoming.take()
      } catch (error) {
        throw core.broke(error)
      }
      if (message !== NOTHING) {
        if (incoming.handles !== undefined) core.dropHandles()
        return message
      }
    }
    return this.#recvSync(options, options === undefined)
  }

  /** @param {unknown} options @param {boolean} looked */
  #recvSync(options, looked) {
    const core = coreOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.ready()
    const message = this.#block(() => take(core), timeout, core.stirs, looked)
    core.dropHandles()
    return message
  }

  /** @param {{ max?: number, timeout?: number, signal?: AbortSignal }} [options] */
  recvMany(options) {
    try {
      const core = coreOf(this)
      const given = objectOf(options)
      const { max = Number.POSITIVE_INFINITY } = given
      if (max !== Number.POSITIVE_INFINITY) integer('options.max', max, 1)
      const wait = waitOf(given)
      core.ready()
      return core.submit(new TakeMany(core, max), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  recvEnvelope(options) {
    return receive(this, TakeEnvelope, options)
  }

  /** @returns {any} */
  tryRecvEnvelope() {
    const core = coreOf(this)
    core.ready()
    core.listen()
    const message = take(core)
    return message === BLOCKED ? undefined : message === null ? null : core.envelope(message)
  }

  /** @param {ArrayBufferView} target @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  recvInto(target, options) {
    try {
      const core = bytesOnly(this)
      targetOf(target)
      const wait = waitOf(objectOf(options))
      core.ready()
      return core.submit(new TakeInto(core, target), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {ArrayBufferView} target @returns {number | null | undefined} */
  tryRecvInto(target) {
    const core = bytesOnly(this)
    targetOf(target)
    core.ready()
    let count = takeInto(core, target)
    if (count === BLOCKED && !core.quiet()) {
      core.listen()
      count = takeInto(core, target)
    }
    return count === BLOCKED ? undefined : count
  }

  /** @param {ArrayBufferView} target @param {{ timeout?: number }} [options] @returns {number | null} */
  recvIntoSync(target, options) {
    const core = bytesOnly(this)
    targetOf(target)
    const timeout = timeoutOf(objectOf(options))
    core.ready()
    return this.#block(() => takeInto(core, target), timeout, core.stirs)
  }

  /** @param {number} length @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async reserve(length, options) {
    const core = bytesOnly(this)
    const wait = waitOf(objectOf(options))
    core.ready()
    return reserve(core, length, wait)
  }

  /** @param {number} length */
  tryReserve(length) {
    const core = bytesOnly(this)
    core.ready()
    return reserveNow(core, length)
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async borrow(options) {
    const core = bytesOnly(this)
    const wait = waitOf(objectOf(options))
    core.ready()
    return core.submit(new Borrow(core), wait)
  }

  /** @returns {any} */
  tryBorrow() {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(CHANNEL)
    }
    if (core.receivesFast && core.lendsPlainly) {
      const borrowed = borrowPlain(core)
      if (borrowed !== undefined) return borrowed
    }
    return this.#tryBorrow()
  }

  #tryBorrow() {
    const core = bytesOnly(this)
    core.ready()
    let borrowed = borrow(core)
    if (borrowed === BLOCKED && !core.quiet()) {
      core.listen()
      borrowed = borrow(core)
    }
    return borrowed === BLOCKED ? undefined : borrowed
  }

  /** @param {{ timeout?: number }} [options] @returns {any} */
  borrowSync(options) {
    const core = bytesOnly(this)
    const timeout = timeoutOf(objectOf(options))
    core.ready()
    return this.#block(() => borrow(core), timeout, core.stirs)
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async flush(options) {
    await flush(coreOf(this), options)
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async end(options) {
    const core = coreOf(this)
    await flush(core, options)
    core.close()
  }

  port() {
    return portFor(coreOf(this))
  }

  dup() {
    coreOf(this).check()
    throw coded(Error, 'ERR_IPC_EXCLUSIVE', 'A channel has two ends, and this is one of them')
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {AsyncIterableIterator<any>} */
  iterate(options) {
    const core = coreOf(this)
    const wait = waitOf(objectOf(options))
    core.check()
    return iterate(this, core, wait)
  }

  [SOURCE]() {
    const core = coreOf(this)
    core.ready()
    return { core, direction: core.receiving, operation: new Take(core), ends: isEnd }
  }

  [Symbol.asyncIterator]() {
    coreOf(this)
    return this.iterate()
  }

  /** Closes in any case, and once: the stream has ended for the other side only if all of it was received. */
  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    const core = coreOf(this)
    if (core.closed) return
    try {
      await this.end()
    } finally {
      core.close()
    }
  }

  /**
   * Tries until it is done: looks for a moment, then sleeps in slices.
   * @template T
   * @param {() => T | typeof BLOCKED} attempt
   * @param {number} timeout
   * @param {() => boolean} stirs
   * @param {boolean} [looked]
   * @returns {T}
   */
  #block(attempt, timeout, stirs, looked) {
    const core = this.#core
    core.blocking = true
    try {
      return core.blockUntil(attempt, timeout, core.spin, stirs, looked)
    } finally {
      core.blocking = false
      core.passOn()
    }
  }
}

/**
 * @param {Channel<any>} channel
 * @param {new (core: ChannelCore) => import('../wait/direction.js').Operation} Type
 * @param {unknown} options
 * @returns {Promise<any>}
 */
function receive(channel, Type, options) {
  try {
    const core = coreOf(channel)
    const wait = waitOf(objectOf(options))
    core.ready()
    return core.submit(new Type(core), wait)
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Undefined if it is sent already, as it is where nothing travels with it and there is room.
 * @param {ChannelCore} core
 * @param {unknown} message
 * @param {unknown} handles
 * @param {AbortSignal} [signal]
 */
function sendOf(core, message, handles, signal) {
  const payload = core.codec.encode(message)
  const parcels = parcelsOf(handles)
  checkLength(core, payload)
  const aborted = signal?.aborted
  // What the message is made of may have been code of the user's, which has closed the channel. So may the signal.
  core.ready()
  checkPeer(core)
  if (aborted) throw signal?.reason
  if (parcels.length === 0 && core.putsFast && core.sending.head === undefined) {
    try {
      if (core.outgoing.putFast(payload)) return undefined
    } catch (error) {
      throw core.broke(error)
    }
  }
  return new Send(core, payload, parcels, core.codec.fresh)
}

/** @param {ChannelCore} core @param {unknown} options */
async function flush(core, options) {
  const wait = waitOf(objectOf(options))
  if (wait.signal?.aborted) throw wait.signal.reason
  core.ready()
  const deadline = performance.now() + wait.timeout
  const position = await core.sending.submit(new Mark(core), wait)
  const left = wait.timeout === Number.POSITIVE_INFINITY ? wait.timeout : Math.max(0, deadline - performance.now())
  await core.flushing.submit(new Flush(core, position), { timeout: left, signal: wait.signal })
}

/** @param {Channel<any>} channel */
function bytesOnly(channel) {
  const core = coreOf(channel)
  if (core.facts.codec !== 'bytes') throw notSupported("Only with the codec 'bytes' are messages memory")
  return core
}

/**
 * @param {Channel<any>} channel
 * @param {ChannelCore} core
 * @param {import('../validate.js').Wait} wait
 * @returns {AsyncIterableIterator<any>}
 */
function iterate(channel, core, wait) {
  /** @type {Set<Take>} */
  const pending = new Set()
  let finished = false
  const fast = wait === FOR_EVER

  /** @param {any} value */
  const give = (value) => {
    if (value !== null) return { value, done: false }
    finished = true
    return DONE
  }

  const waiting = async () => {
    const take = new Take(core)
    pending.add(take)
    try {
      core.ready()
      return give(await core.submit(take, wait))
    } catch (error) {
      if (finished || core.closed) return DONE
      finished = true
      throw error
    } finally {
      pending.delete(take)
    }
  }

  return {
    next() {
      if (finished || core.closed) return Promise.resolve(DONE)
      if (fast && core.receivesFast && core.receiving.head === undefined && core.credits-- > 0) {
        try {
          const message = channel.tryRecv()
          if (message !== undefined) return Promise.resolve(give(message))
        } catch (error) {
          finished = true
          return Promise.reject(error)
        }
      }
      return waiting()
    },
    async return() {
      finished = true
      for (const take of pending) take.direction?.fail(take, invalidState('The iteration has ended'))
      return DONE
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
