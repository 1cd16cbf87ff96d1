/**
 * One message on its way to another process.
 */
import { Buffer } from 'node:buffer'
import { closeSync, openSync } from 'node:fs'
import { parcelsOf } from '../channel/sending.js'
import { bytesOf } from '../data.js'
import { closedError, telling } from '../errors.js'
import { coreOf } from '../handle.js'
import native from '../load.js'
import { hold } from '../unix-socket/sending.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { packed } from './message.js'
import { noEndpoint } from './outgoing.js'

/** @typedef {import('./outgoing.js').Outgoing} Outgoing */
/** @typedef {import('../handle.js').Handle} Handle */

/**
 * @typedef {object} Letter
 * @property {Uint8Array} data
 * @property {Handle[]} handles
 * @property {ReturnType<typeof parcelsOf>} parcels what they are sent as
 */

/** @param {unknown} data @param {unknown} handles @returns {Letter} */
export function letterOf(data, handles) {
  const parcels = parcelsOf(handles)
  const bytes = bytesOf(data)
  return { data: bytes, handles: parcels.length === 0 ? [] : [.../** @type {Handle[]} */ (handles)], parcels }
}

export class DirectSend extends Operation {
  /** @param {Outgoing} outgoing @param {Letter} letter @param {boolean} now whether it may not wait */
  constructor(outgoing, { data, handles, parcels }, now) {
    super()
    this.outgoing = outgoing
    this.now = now
    this.data = data
    this.handles = handles
    this.parcels = parcels
    /** Descriptors of ours that go along: that there are any tells the receiver that there are handles. */
    this.spare = -1
    /** @type {number[] | undefined} */
    this.fds = undefined
    /** What the addon keeps of them, while this waits. */
    this.held = 0
    if (parcels.length === 0) return
    const described = parcels.map(({ kind, fds, meta }) => ({ kind, fds: fds.length, meta }))
    this.data = packed(described, data)
    this.fds = parcels.flatMap(({ fds }) => fds)
    if (this.fds.length > 0) return
    this.spare = openSync('/dev/null', 'r')
    this.fds = [this.spare]
  }

  get mayFail() {
    return true
  }

  attempt() {
    let sent
    try {
      sent = this.put()
    } catch (error) {
      this.done()
      throw error
    }
    if (sent === BLOCKED) {
      if (this.direction !== undefined) this.outgoing.await()
      return BLOCKED
    }
    this.done()
    for (const { handedOver } of this.parcels) handedOver()
    return undefined
  }

  put() {
    const { outgoing, parcels } = this
    if (parcels.length === 0) return outgoing.put(this.data, undefined, 0)
    for (const handle of this.handles) if (coreOf(handle).closed) throw closedError()
    /** @type {number | typeof BLOCKED} */
    let sent = BLOCKED
    for (const { leave } of parcels) leave()
    try {
      sent = outgoing.put(this.data, this.held === 0 ? this.fds : undefined, this.held)
    } finally {
      if (sent === BLOCKED) for (const { stay } of parcels) stay()
    }
    return sent
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    if (this.fds !== undefined) this.held = hold(this.fds)
    if (this.parcels.length === 0) this.data = Buffer.from(this.data)
    this.outgoing.await()
  }

  done() {
    if (this.held !== 0) native.unixParcelDrop(this.held)
    if (this.spare >= 0) closeSync(this.spare)
    this.held = 0
    this.spare = -1
    this.fds = undefined
  }

  /** @param {unknown} error */
  failure(error) {
    this.done()
    const { code } = /** @type {{ code?: unknown }} */ (Object(error))
    const { pid, socket } = this.outgoing
    if (code !== 'ETIMEDOUT' || socket !== undefined) return error
    if (this.now) return noEndpoint(pid)
    return telling(error, () => ({ hint: `process ${pid} has no endpoint, or takes no more connections` }))
  }
}
