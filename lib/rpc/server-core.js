/**
 * What stands behind a server: its callers, and who of theirs runs and who waits.
 */
import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { closedError } from '../errors.js'
import { Core } from '../handle.js'
import { Connection, NEVER_BEGUN } from './connection.js'

/** @typedef {import('./links/link.js').Link} Link */
/** @typedef {import('./running.js').Running} Running */
/** @typedef {import('./running.js').Method} Method */

const broken = diagnosticsChannel('os-ipc:rpc:error')

/** What there is of it closes by itself: see `closeAll`. */
const NATIVE = { close() {} }

export class ServerCore extends Core {
  /**
   * @param {Map<string, Method>} methods
   * @param {object} object what the methods are called upon
   * @param {{ concurrency: number, maxConnections: number }} limits
   */
  constructor(methods, object, { concurrency, maxConnections }) {
    super(1, -1, NATIVE)
    this.methods = methods
    this.object = object
    this.concurrency = concurrency
    this.maxConnections = maxConnections
    this.running = 0
    /** @type {Set<Connection>} */
    this.connections = new Set()
    /** Calls that have not begun: first come, first served. @type {Map<Running, Method>} */
    this.queue = new Map()
    this.proceeding = false
    this.draining = false
    /** Stops accepting; undefined where there is nothing to accept. @type {(() => void) | undefined} */
    this.stopListening = undefined
    /** Whoever waits for the last call to end. @type {Set<() => void>} */
    this.idle = new Set()
    this.closing.add(() => this.closeAll())
    // To serve is to wait.
    this.serving = true
    this.begin()
  }

  /** Nobody will come any more. */
  rest() {
    if (!this.serving) return
    this.serving = false
    this.end()
  }

  /** @param {Link} link */
  admit(link) {
    const connection = new Connection(this, link)
    this.connections.add(connection)
    link.server = connection
    link.onIdle = () => this.tellIdle()
    return connection
  }

  /** @param {Connection} connection @param {Error | null} error */
  forget(connection, error) {
    this.connections.delete(connection)
    const { code } = /** @type {any} */ (error ?? {})
    if (error !== null && code !== 'ERR_IPC_CLOSED' && broken.hasSubscribers) {
      broken.publish({ error, peer: connection.known })
    }
    this.tellIdle()
    if (this.stopListening === undefined) this.rest()
  }

  /** Whether one more may run. */
  admits() {
    return this.running < this.concurrency && this.queue.size === 0
  }

  /** One has ended: the next may begin. */
  finished() {
    this.running--
    this.proceed()
    if (this.draining) this.tellIdle()
  }

  proceed() {
    // One that ends at once comes here again: the loop goes on then, and nothing piles up.
    if (this.proceeding) return
    this.proceeding = true
    while (this.running < this.concurrency) {
      const [next] = this.queue
      if (next === undefined) break
      const [running, method] = next
      this.queue.delete(running)
      running.connection.hold(-running.size)
      this.running++
      running.run(method, this.object)
    }
    this.proceeding = false
  }

  /** One that has not begun will not. @param {Running} running */
  discard(running) {
    if (!this.queue.delete(running)) return
    running.connection.hold(-running.size)
    this.running++
    running.fail(NEVER_BEGUN)
  }

  /** Whether everything is done that was begun. */
  get quiet() {
    if (this.running > 0 || this.queue.size > 0) return false
    for (const { link } of this.connections) if (link.waiting > 0) return false
    return true
  }

  /** Reads whatever has come. */
  takeCalls() {
    for (const { link } of [...this.connections]) link.lookAtAll()
  }

  tellIdle() {
    if (this.idle.size === 0 || !this.quiet) return
    for (const told of [...this.idle]) told()
  }

  closeAll() {
    this.stopListening?.()
    this.rest()
    const reason = closedError()
    for (const connection of [...this.connections]) {
      connection.gone = true
      const { link } = connection
      if (link.server === connection) link.server = undefined
      connection.stopAll(reason)
      link.leave()
    }
    this.connections.clear()
    for (const told of [...this.idle]) told()
  }
}
