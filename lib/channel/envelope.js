/**
 * A message with the handles that came with it.
 */
import { coded } from '../errors.js'
import { rebuild } from '../handover.js'
import native from '../load.js'
import { corrupt } from './ring.js'

/** @typedef {import('./control.js').Supply} Supply */
/** @typedef {import('../handle.js').Handle} Handle */

/** Closes what nobody has taken. @type {FinalizationRegistry<number[]>} */
const forgotten = new FinalizationRegistry(close)

/** What is said of a handle: nothing of it has members. @param {unknown} meta @returns {Record<string, unknown>} */
function plain(meta) {
  return Object.fromEntries(Object.entries(Object(meta)).filter(([, value]) => Object(value) !== value))
}

/** @param {number[]} fds */
function close(fds) {
  for (const fd of fds) native.descriptorClose(fd)
}

/** @template M */
export class Envelope {
  /** @type {number[]} */
  #fds = []
  /** @type {Supply | undefined} */
  #supply
  /** @type {Handle[] | undefined} */
  #handles

  /** @param {M} message @param {Supply | undefined} supply */
  constructor(message, supply) {
    this.message = message
    this.#supply = supply
    if (supply === undefined) return
    this.#fds = supply.fds
    forgotten.register(this, supply.fds, this)
  }

  /** The handles, which are the caller's from now on; the same each time. @returns {Handle[]} */
  takeHandles() {
    if (this.#handles !== undefined) return this.#handles
    const supply = this.#supply
    if (supply === undefined) return []
    this.#supply = undefined
    forgotten.unregister(this)
    const left = [...this.#fds]
    /** @type {Handle[]} */
    const handles = []
    try {
      if (supply.lost) {
        throw coded(Error, 'ERR_IPC_FDS_LOST', 'Descriptors of the message were lost: this process is at its limit', {
          hint: 'raise the limit of open descriptors with ulimit -n',
        })
      }
      const described = Array.isArray(supply.body.handles) ? supply.body.handles : []
      for (const entry of described) {
        const { kind, fds: count, meta } = Object(entry)
        const most = kind === 'channel' ? left.length : Math.min(1, left.length)
        if (!Number.isInteger(count) || count < 0 || count > most) throw corrupt('handles without their descriptors')
        if (typeof kind !== 'string') throw corrupt('handles of no kind')
        const handle = rebuild({ kind, fds: left.slice(0, count), meta: plain(meta) })
        handles.push(handle)
        // What the handle has no use for is closed with the rest.
        if (kind === 'channel' || /** @type {any} */ (handle).fd >= 0) left.splice(0, count)
      }
    } catch (error) {
      for (const handle of handles) handle.close()
      throw error
    } finally {
      close(left)
    }
    this.#handles = handles
    return handles
  }

  /** Handles that were not taken are closed. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    if (this.#supply === undefined) return
    this.#supply = undefined
    forgotten.unregister(this)
    close(this.#fds)
  }
}
