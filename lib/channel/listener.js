/**
 * Whoever listens for channels. Handshakes go on side by side, so that one who connects and says nothing holds up nobody.
 */
import { invalidType, outOfRange } from '../errors.js'
import { coreOf as anyCoreOf, Core, coresOf, fix, Handle } from '../handle.js'
import { iterate } from '../iterate.js'
import { SOURCE } from '../select/source.js'
import { UnixListener } from '../unix-socket/listener.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { blockUntil } from '../wait/sync.js'
import { answered, frame, parsed, refusalOf } from './connect.js'
import { CODEC, CODECS } from './layout.js'
import { optionsOf } from './options.js'

/** @typedef {import('./channel.js').Channel<any>} Channel */
/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {import('./options.js').Options} Options */
/** @typedef {{ code: string, message: string }} Refusal */
/** Until when it may say hello, whether somebody listens to that, and what it is told then. @typedef {{ deadline: number, heard: boolean, refusal: Refusal | undefined }} HalfOpen */
/** Who has connected, who may be accepted, and how many channels are open. @typedef {{ halfOpen: Map<UnixSocket, HalfOpen>, ready: Channel[], tally: { open: number } }} Arrivals */

/** Milliseconds. */
const HANDSHAKE = 5_000
/** Who has connected and said nothing yet. */
const MOST_HALF_OPEN = 128
const LONGEST_FRAME = 64 * 1024
/** A newcomer has gone, or does not read what it is told. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ETIMEDOUT'])

class ListenerCore extends Core {
  /**
   * @param {UnixListener} server
   * @param {Options} options
   * @param {{ maxConnections: number, handshakeTimeout: number }} limits
   */
  constructor(server, options, { maxConnections, handshakeTimeout }) {
    /** @type {Arrivals} */
    const arrivals = { halfOpen: new Map(), ready: [], tally: { open: 0 } }
    super(1, -1, closingBy(server, arrivals))
    this.tally = arrivals.tally
    this.server = server.unref()
    this.options = options
    this.maxConnections = maxConnections
    this.handshakeTimeout = handshakeTimeout
    this.halfOpen = arrivals.halfOpen
    this.ready = arrivals.ready
    this.pumping = false
    /** What this process lacked for the one who came last. @type {unknown} */
    this.lack = undefined
    this.accepting = new Direction(this, () => {})
    this.directions.push(this.accepting)
  }

  /** Accepts for as long as somebody waits. Does not keep the listener from being forgotten. */
  pump() {
    if (this.pumping || this.closed) return
    this.pumping = true
    const self = new WeakRef(this)
    accept(this.server, self)
    for (const [socket, state] of this.halfOpen) if (!state.heard) greet(socket, state, self)
  }

  /** @param {UnixSocket} socket */
  admit(socket) {
    socket.unref()
    if (this.halfOpen.size >= MOST_HALF_OPEN) {
      socket.close()
      return
    }
    const refusal = this.refusalOf(socket)
    this.halfOpen.set(socket, {
      deadline: performance.now() + this.handshakeTimeout,
      heard: false,
      refusal,
    })
  }

  /**
   * Why a newcomer is not wanted. He is told in answer to his hello: a socket that is closed with something unread in it
   * would lose the answer.
   * @param {UnixSocket} socket
   * @returns {Refusal | undefined}
   */
  refusalOf(socket) {
    const { open } = this.tally
    if (open + this.halfOpen.size >= this.maxConnections) {
      const channels = `${open} channel${open === 1 ? '' : 's'}`
      return { code: 'ERR_IPC_LIMIT', message: `it has ${channels} open, and takes no more` }
    }
    const { peer } = /** @type {any} */ (socket)
    if (CODECS[this.options.flags & CODEC] === 'structured' && peer?.uid !== process.getuid?.()) {
      return { code: 'ERR_IPC_UNTRUSTED_OWNER', message: "the codec 'structured' is for processes of one user" }
    }
    return undefined
  }

  /** Looks at what a newcomer has said. @param {UnixSocket} socket @param {any} message null where it has gone */
  hear(socket, message) {
    const refused = this.halfOpen.get(socket)?.refusal
    this.halfOpen.delete(socket)
    if (message === null) {
      socket.close()
      return
    }
    const { letter, body } = parsed(message)
    message[Symbol.dispose ?? Symbol.for('nodejs.dispose')]()
    const unfit =
      letter === 'H' ? refusalOf(this.options, body) : { code: 'ERR_IPC_VERSION', message: 'this is no hello' }
    const refusal = refused ?? unfit
    if (refusal !== undefined) {
      refuse(socket, refusal.code, refusal.message)
      return
    }
    let channel
    try {
      channel = answered(socket, this.options, message.credentials)
    } catch (error) {
      const { code, message } = /** @type {any} */ (error)
      refuse(socket, String(code), String(message))
      if (!GONE.has(code)) this.lack = error
      return
    }
    count(channel, this.tally)
    this.ready.push(channel)
  }

  /** Whoever has connected, and whatever they have said, without waiting. @returns {Channel | typeof BLOCKED} */
  take() {
    if (this.ready.length === 0) this.look()
    const channel = this.ready.shift()
    if (channel !== undefined) return channel
    const { lack } = this
    this.lack = undefined
    if (lack !== undefined) throw lack
    return BLOCKED
  }

  look() {
    if (!this.pumping) {
      for (let socket = this.server.tryAccept(); socket !== undefined; socket = this.server.tryAccept())
        this.admit(socket)
    }
    for (const [socket, { deadline }] of this.halfOpen) {
      const message = said(socket)
      if (message !== undefined) this.hear(socket, message)
      else if (performance.now() > deadline) {
        this.halfOpen.delete(socket)
        socket.close()
      }
    }
  }

  /** Blocks this thread until somebody may have connected or said something. @param {number} milliseconds */
  block(milliseconds) {
    const [newcomer] = this.halfOpen.keys()
    try {
      if (newcomer === undefined) this.admit(this.server.acceptSync({ timeout: milliseconds }))
      else this.hear(newcomer, newcomer.recvSync({ maxBytes: LONGEST_FRAME, timeout: Math.min(milliseconds, 10) }))
    } catch (error) {
      const { code } = /** @type {any} */ (error)
      if (code === 'ETIMEDOUT') return
      if (newcomer === undefined) throw error
      this.halfOpen.delete(newcomer)
      newcomer.close()
    }
  }
}

/**
 * Nothing of this may lead back to the core: a handle that is forgotten is closed by it.
 * @param {UnixListener} server
 * @param {Arrivals} arrivals
 * @returns {import('../handle.js').Native}
 */
function closingBy(server, { halfOpen, ready }) {
  return {
    close() {
      server.close()
      for (const socket of halfOpen.keys()) socket.close()
      for (const channel of ready) channel.close()
    },
  }
}

/** Counts a channel until it is closed, or forgotten. Open ones do not keep their listener. @param {Channel} channel @param {{ open: number }} tally */
function count(channel, tally) {
  tally.open++
  const { parting } = /** @type {import('./core.js').ChannelCore} */ (anyCoreOf(channel))
  parting.departed = () => {
    tally.open--
  }
}

/** @param {UnixSocket} socket @returns {any} */
function said(socket) {
  try {
    return socket.tryRecv({ maxBytes: LONGEST_FRAME })
  } catch {
    return null
  }
}

/** @param {UnixSocket} socket @param {string} code @param {string} message */
function refuse(socket, code, message) {
  try {
    socket.trySend(frame('E', { code, message }))
  } catch {
    // It has gone already.
  }
  socket.close()
}

/**
 * While it waits, its frame keeps all that it has ever had in a variable: that may not be the core.
 * @param {UnixListener} server
 * @param {WeakRef<ListenerCore>} ref
 */
async function accept(server, ref) {
  try {
    while (goesOn(await server.accept(), ref));
  } catch (error) {
    fail(error, ref)
  }
}

/** Lets a newcomer in. @param {UnixSocket} socket @param {WeakRef<ListenerCore>} ref @returns {boolean} whether anybody waits for more */
function goesOn(socket, ref) {
  const core = ref.deref()
  if (core === undefined || core.closed) {
    socket.close()
    return false
  }
  core.admit(socket)
  const state = core.halfOpen.get(socket)
  if (state !== undefined) greet(socket, state, ref)
  core.pumping = core.accepting.head !== undefined
  return core.pumping
}

/** @param {unknown} error @param {WeakRef<ListenerCore>} ref */
function fail(error, ref) {
  const core = ref.deref()
  if (core === undefined || core.closed) return
  core.pumping = false
  const { head } = core.accepting
  if (head !== undefined) core.accepting.fail(head, error)
  if (core.accepting.head !== undefined) core.pump()
}

/** @param {UnixSocket} socket @param {HalfOpen} state @param {WeakRef<ListenerCore>} ref */
async function greet(socket, state, ref) {
  state.heard = true
  let message = null
  try {
    const timeout = Math.max(0, state.deadline - performance.now())
    message = await socket.recv({ maxBytes: LONGEST_FRAME, timeout })
  } catch {
    // It said nothing in time, or has gone.
  }
  const core = ref.deref()
  // A blocking accept may have heard it meanwhile.
  if (core === undefined || core.closed || !core.halfOpen.has(socket)) return
  core.hear(socket, message)
  core.accepting.onReady()
  // Whoever waits has been told, and whoever comes later need not know.
  core.lack = undefined
}

class Accept extends Operation {
  /** @param {ListenerCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  get mayFail() {
    return true
  }

  attempt() {
    const channel = this.core.take()
    if (channel === BLOCKED) this.core.pump()
    return channel
  }
}

const listenerOf = coresOf(ListenerCore, 'a ChannelListener')

export class ChannelListener extends Handle {
  /** @param {string} address @param {Record<string, any>} [options] */
  static listen(address, options) {
    const given = objectOf(options)
    const channels = optionsOf(given)
    const { mode, onStale, authorize = ofOwnUser, maxConnections = Number.POSITIVE_INFINITY } = given
    const { handshakeTimeout = HANDSHAKE } = given
    if (typeof authorize !== 'function') throw invalidType('options.authorize', 'of type function', authorize)
    if (maxConnections !== Number.POSITIVE_INFINITY) integer('options.maxConnections', maxConnections, 1)
    if (typeof handshakeTimeout !== 'number') {
      throw invalidType('options.handshakeTimeout', 'of type number', handshakeTimeout)
    }
    if (!(handshakeTimeout >= 0)) throw outOfRange('options.handshakeTimeout', 'a number >= 0', handshakeTimeout)
    const server = UnixListener.listen(address, { type: 'seqpacket', mode, onStale, authorize })
    const core = new ListenerCore(server, channels, { maxConnections, handshakeTimeout })
    const listener = new ChannelListener(core)
    fix(listener, 'address', /** @type {any} */ (server).address)
    return listener
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<Channel>} */
  accept(options) {
    try {
      const core = listenerOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.accepting.submit(new Accept(core), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {Channel | undefined} */
  tryAccept() {
    const core = listenerOf(this)
    core.check()
    const channel = core.take()
    return channel === BLOCKED ? undefined : channel
  }

  /** @param {{ timeout?: number }} [options] @returns {Channel} */
  acceptSync(options) {
    const core = listenerOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return blockUntil(
      () => core.take(),
      (milliseconds) => core.block(milliseconds),
      timeout,
    )
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {AsyncIterableIterator<Channel>} */
  iterate(options) {
    const core = listenerOf(this)
    const wait = waitOf(objectOf(options))
    core.check()
    return iterate(
      core,
      () => core.accepting,
      () => new Accept(core),
      wait,
    )
  }

  [SOURCE]() {
    const core = listenerOf(this)
    core.check()
    return { core, direction: core.accepting, operation: new Accept(core) }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }
}

/** @param {{ uid: number }} peer */
function ofOwnUser({ uid }) {
  return uid === process.getuid?.()
}
