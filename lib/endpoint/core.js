/**
 * What stands behind an endpoint's handle: those who may send to it, those that it sends to, and who waits for messages.
 */
import { clearInterval, setInterval, setTimeout } from 'node:timers'
import { Core } from '../handle.js'
import native from '../load.js'
import { accept } from '../unix-socket/accepting.js'
import { listenerOf } from '../unix-socket/listener.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { Incoming, Sender } from './incoming.js'
import { Outgoing } from './outgoing.js'
import { removeOwn } from './place.js'
import { relay } from './relay.js'

/** @typedef {import('../handle.js').Handle} Handle */
/** @typedef {import('../unix-socket/listener.js').UnixListener} UnixListener */
/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {import('./message.js').DirectMessage} DirectMessage */
/** @typedef {{ handles: Set<Handle>, idling: NodeJS.Timeout | undefined, leave: () => void }} Parts */

/** So many others may be connected at once; more wait to be accepted. */
const MOST_INCOMING = 1024
/** So many connections are kept for sending. */
const MOST_OUTGOING = 256
/** Milliseconds after which one that is not used is closed. */
const IDLE = 30_000
/** So many senders that nobody waits for any more are remembered. */
const MOST_SELECTORS = 64
/** Milliseconds until the next try where there were no descriptors for another connection. */
const ACCEPT_PAUSE = 50

/**
 * All that is to be closed, whoever does that: garbage collection too, so nothing here leads to the handle's own state.
 * @param {UnixListener[]} listeners
 * @param {string} path
 */
function partsOf(listeners, path) {
  /** @type {Parts} */
  const parts = { handles: new Set(listeners), idling: undefined, leave: () => removeOwn(path) }
  const native = {
    close() {
      process.off('exit', parts.leave)
      parts.leave()
      clearInterval(parts.idling)
      for (const handle of [...parts.handles]) handle.close()
    },
  }
  return { parts, native }
}

// What the reactor calls stands out here, for the same reason: a function knows whatever others know that were made with it.

/** @param {EndpointCore} core */
function acceptAll(core) {
  core.acceptAll()
}

/** @param {Sender} sender @returns {(core: EndpointCore) => void} */
function arrivalOf(sender) {
  return (core) => core.arrived(sender)
}

export class EndpointCore extends Core {
  /**
   * @param {UnixListener[]} listeners
   * @param {string} path of this process's own file
   * @param {(peer: Credentials) => boolean} admits
   * @param {boolean} others whether other users may be admitted
   */
  constructor(listeners, path, admits, others) {
    const { parts, native: closing } = partsOf(listeners, path)
    super(1, -1, closing)
    process.once('exit', parts.leave)
    this.parts = parts
    this.admits = admits
    this.others = others
    this.listeners = listeners.map(listenerOf)
    /** @type {Map<number, Sender>} */
    this.senders = new Map()
    /** Those that may have sent something, in the order in which they have their turns. @type {Set<Sender>} */
    this.ready = new Set()
    this.connections = 0
    this.acceptFrom = 0
    /** Connections of which nobody tells, for want of memory. @type {Map<Incoming, Sender>} */
    this.unheard = new Map()
    /** Who waits for whatever comes, and for messages of one process. */
    this.any = new Direction(this, () => {})
    /** @type {Map<number, Direction>} */
    this.selected = new Map()
    this.directions.push(this.any)
    this.receives = 0
    this.serving = false
    /** @type {Map<number, Outgoing>} */
    this.outgoing = new Map()
    for (const { accepting } of this.listeners) relay(accepting, /** @type {EndpointCore} */ (this), acceptAll)
    this.closing.add(() => {
      for (const outgoing of this.outgoing.values()) outgoing.close()
    })
  }

  // ── Receiving ──

  acceptAll() {
    if (performance.now() < this.acceptFrom) return
    for (const [incoming, sender] of [...this.unheard]) {
      this.hear(incoming, sender)
      this.arrived(sender)
    }
    for (const listener of this.listeners) {
      try {
        while (!this.closed && this.connections < MOST_INCOMING) {
          const socket = accept(listener)
          if (socket === BLOCKED) break
          this.admit(socket)
        }
      } catch {
        // No descriptors are left. Nobody who waits for messages is to fail for that; those who connect wait.
        this.acceptLater()
      }
    }
  }

  acceptLater() {
    this.acceptFrom = performance.now() + ACCEPT_PAUSE
    const ref = new WeakRef(this)
    const timer = setTimeout(() => {
      const core = ref.deref()
      if (core === undefined || core.closed) return
      core.acceptFrom = 0
      core.acceptAll()
    }, ACCEPT_PAUSE)
    timer.unref()
  }

  /** @param {UnixSocket} socket */
  admit(socket) {
    const { peer } = /** @type {{ peer: Credentials }} */ (/** @type {unknown} */ (socket))
    const incoming = new Incoming(socket, peer)
    const { pid } = peer
    let sender = this.senders.get(pid)
    if (sender === undefined) {
      sender = new Sender(pid)
      this.senders.set(pid, sender)
    }
    sender.connections.push(incoming)
    this.connections++
    this.parts.handles.add(socket)
    this.hear(incoming, sender)
    // Most have something to say at once.
    this.arrived(sender)
  }

  /** Has the loop tell of it. What has been sent already is not to be lost if that cannot be: it is tried again. @param {Incoming} incoming @param {Sender} sender */
  hear(incoming, sender) {
    try {
      relay(incoming.core.receiving, /** @type {EndpointCore} */ (this), arrivalOf(sender))
      this.unheard.delete(incoming)
    } catch {
      this.unheard.set(incoming, sender)
      this.acceptLater()
    }
  }

  /** @param {Sender} sender */
  arrived(sender) {
    this.ready.add(sender)
    this.serve()
    try {
      sender.reap(this.drop)
    } catch {
      // Whoever receives next is told.
    }
    this.tidy(sender)
  }

  /** @param {Incoming} incoming */
  drop = (incoming) => {
    const { socket } = incoming
    this.connections--
    this.unheard.delete(incoming)
    this.parts.handles.delete(socket)
    socket.close()
    // Somebody may wait to be accepted for whom there was no room.
    if (this.connections === MOST_INCOMING - 1) this.acceptAll()
  }

  /** @param {Sender} sender */
  tidy(sender) {
    if (sender.connections.length > 0) return
    this.ready.delete(sender)
    if (this.senders.get(sender.pid) === sender) this.senders.delete(sender.pid)
  }

  /** Gives what has come to those who wait for it. */
  serve() {
    if (this.serving) return
    this.serving = true
    try {
      for (let served = true; served && this.ready.size > 0; ) {
        served = false
        for (const { pid } of this.selected.size > 0 ? [...this.ready] : []) {
          const direction = this.selected.get(pid)
          if (direction?.head !== undefined && direction.onReady()) served = true
        }
        if (this.any.head !== undefined && this.any.onReady()) served = true
      }
    } finally {
      this.serving = false
    }
  }

  /**
   * The next message, for somebody who has come at the moment `order`.
   * @param {number | undefined} from
   * @param {number} order
   * @returns {DirectMessage | typeof BLOCKED}
   */
  take(from, order) {
    const chosen = from === undefined ? undefined : this.senders.get(from)
    if (from !== undefined && (chosen === undefined || !this.ready.has(chosen) || isBefore(this.any, order))) {
      return BLOCKED
    }
    for (const sender of chosen === undefined ? this.ready : [chosen]) {
      if (from === undefined && isBefore(this.selected.get(sender.pid), order)) continue
      // Its next turn is after all the others'.
      this.ready.delete(sender)
      let message
      try {
        message = sender.take(this.drop)
      } catch (error) {
        this.ready.add(sender)
        throw error
      }
      if (message !== BLOCKED) {
        this.ready.add(sender)
        return message
      }
      this.tidy(sender)
    }
    return BLOCKED
  }

  /**
   * Asks the kernel who has connected and who has sent something, without waiting for the event loop to tell.
   * @param {number | undefined} from
   * @param {number} milliseconds how long to wait until anybody has
   */
  look(from, milliseconds = 0) {
    const accepts = this.connections < MOST_INCOMING && performance.now() >= this.acceptFrom
    const listeners = accepts ? this.listeners : []
    const senders = from === undefined ? [...this.senders.values()] : [this.senders.get(from)]
    const connections = senders.flatMap((sender) =>
      sender === undefined ? [] : sender.connections.map(({ core }) => ({ sender, id: core.id })),
    )
    const told = native.endpointBlock(
      listeners.map(({ id }) => id),
      connections.map(({ id }) => id),
      milliseconds,
    )
    for (const [i, { sender }] of connections.entries()) if (told[listeners.length + i]) this.ready.add(sender)
    if (told.slice(0, listeners.length).includes(true)) this.acceptAll()
  }

  /** @param {number | undefined} from */
  directionOf(from) {
    if (from === undefined) return this.any
    const known = this.selected.get(from)
    if (known !== undefined) return known
    if (this.selected.size >= MOST_SELECTORS) this.forgetSelectors()
    const direction = new Direction(this, () => {})
    this.selected.set(from, direction)
    this.directions.push(direction)
    return direction
  }

  forgetSelectors() {
    for (const [pid, direction] of this.selected) if (direction.head === undefined) this.selected.delete(pid)
    this.trimDirections()
  }

  trimDirections() {
    const sending = Array.from(this.outgoing.values(), (outgoing) => outgoing.sending)
    this.directions = [this.any, ...this.selected.values(), ...sending]
  }

  // ── Sending ──

  /** @param {number} pid @returns {Outgoing} */
  to(pid) {
    const known = this.outgoing.get(pid)
    if (known !== undefined) return known
    if (this.outgoing.size >= MOST_OUTGOING) this.forgetOldest()
    const outgoing = new Outgoing(this, pid)
    this.outgoing.set(pid, outgoing)
    this.directions.push(outgoing.sending)
    if (this.parts.idling === undefined) this.closeIdle()
    return outgoing
  }

  forgetOldest() {
    let oldest
    for (const outgoing of this.outgoing.values()) {
      if (outgoing.sending.head === undefined && !(outgoing.usedAt >= (oldest?.usedAt ?? Number.POSITIVE_INFINITY))) {
        oldest = outgoing
      }
    }
    if (oldest !== undefined) this.forget([oldest])
  }

  /** @param {Outgoing[]} all */
  forget(all) {
    for (const outgoing of all) {
      outgoing.close()
      this.outgoing.delete(outgoing.pid)
    }
    this.trimDirections()
  }

  /** Looks now and then for connections that are not used. */
  closeIdle() {
    const ref = new WeakRef(this)
    const { parts } = this
    parts.idling = setInterval(() => {
      const core = ref.deref()
      if (core === undefined) return
      const since = performance.now() - IDLE
      core.forget(
        [...core.outgoing.values()].filter(({ sending, usedAt }) => sending.head === undefined && usedAt < since),
      )
      if (core.outgoing.size > 0) return
      clearInterval(parts.idling)
      parts.idling = undefined
    }, IDLE / 2)
    parts.idling.unref()
  }
}

/** Whether somebody waits there since before the moment `order`. @param {Direction | undefined} direction @param {number} order */
function isBefore(direction, order) {
  return direction?.head instanceof Receive && direction.head.order < order
}

export class Receive extends Operation {
  /** @param {EndpointCore} core @param {number | undefined} from */
  constructor(core, from) {
    super()
    this.core = core
    this.from = from
    this.order = core.receives++
  }

  attempt() {
    return this.core.take(this.from, this.order)
  }

  hurry() {
    this.core.look(this.from)
    super.hurry()
  }
}
