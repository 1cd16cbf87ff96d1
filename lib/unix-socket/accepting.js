/**
 * What stands behind a listener's handle: who waits for connections, and who may connect.
 */
import { setImmediate } from 'node:timers'
import { closedError } from '../errors.js'
import { Core } from '../handle.js'
import native from '../load.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { opened } from './socket.js'

/** @typedef {import('./message.js').Credentials} Credentials */
/** @typedef {import('./socket.js').UnixSocket} UnixSocket */

const NATIVE = { close: native.unixListenerClose, detach: native.unixListenerDetach }

/** So many may be turned away without a turn of the event loop between. */
const REFUSALS = 64

/** Of an abstract name, which has no permissions: this user alone. @param {Credentials} peer */
const ownUid = ({ uid }) => uid === process.geteuid?.()

export class ListenerCore extends Core {
  /** @param {import('../../native.js').UnixListenerFacts} facts @param {((peer: Credentials) => boolean) | undefined} authorize */
  constructor(facts, authorize) {
    super(facts.id, facts.fd, NATIVE)
    this.authorize = authorize ?? (facts.address?.startsWith('@') ? ownUid : undefined)
    this.accepting = new Direction(this, () =>
      this.watch(this.accepting, (reactor, token) => native.unixListenerWatch(this.id, reactor, token)),
    )
    this.directions.push(this.accepting)
    /** Accepted for somebody who was called off meanwhile. @type {UnixSocket[]} */
    this.stash = []
    this.closing.add(() => {
      for (const socket of this.stash.splice(0)) socket.close()
    })
  }

  /** @param {UnixSocket} socket */
  admits(socket) {
    const { authorize } = this
    if (authorize === undefined) return true
    const { peer } = /** @type {{ peer: Credentials | null }} */ (/** @type {unknown} */ (socket))
    try {
      // Whatever is no plain yes, a promise too, is a no.
      return peer !== null && authorize(peer) === true
    } catch {
      return false
    }
  }
}

/**
 * The next connection of somebody who may connect. Nothing is read of those that are turned away.
 * @param {ListenerCore} core
 * @returns {UnixSocket | typeof BLOCKED}
 */
export function accept(core) {
  const kept = core.stash.shift()
  if (kept !== undefined) return kept
  for (let refused = 0; refused < REFUSALS; refused++) {
    const facts = native.unixListenerAccept(core.id)
    if (!facts) {
      core.accepting.exhausted()
      return BLOCKED
    }
    const socket = opened(facts)
    const admitted = core.admits(socket)
    if (admitted && !core.closed) return socket
    socket.close()
    // By whoever has decided on the peer.
    if (core.closed) throw closedError()
  }
  setImmediate(() => core.accepting.onReady())
  return BLOCKED
}

export class Accept extends Operation {
  /** @param {ListenerCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    const { core } = this
    const waited = this.direction !== undefined
    const socket = accept(core)
    // Whoever has decided on the peer has called this off, too.
    if (waited && this.direction === undefined && socket !== BLOCKED) core.stash.push(socket)
    return socket
  }
}
