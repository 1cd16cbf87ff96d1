/**
 * The state of a mutex's or a read-write lock's handle, and what taking it comes to.
 */
import { Core } from '../handle.js'
import native from '../load.js'
import { BLOCKED } from '../wait/direction.js'
import { guardOf } from './guard.js'
import { reopening } from './reopening.js'

// As src/lock.rs numbers them: how it is held, and what came of taking.
export const ALONE = 0
export const READ = 1
export const WRITE = 2
const WOULD_BLOCK = -1
const ABANDONED = 1

// By names of their own: a look into the addon, which has many, would be felt in each call.
const { lockTry, lockTake, lockEnter, lockLeave } = native

/**
 * What guards know of their lock: they outlive its handle, for closing that gives nothing back.
 * @typedef {object} Held
 * @property {number} id
 * @property {number} count of guards
 * @property {number} generation another one after the object was removed: what was held of it is nobody's any more
 * @property {boolean} closed
 */

/** @typedef {import('./guard.js').Guard} Guard */

export class LockCore extends Core {
  /** @param {number} id @param {number} kind @param {import('./options.js').Opened} opened */
  constructor(id, kind, opened) {
    /** @type {Held} */
    const held = { id, count: 0, generation: 0, closed: false }
    const close = () => {
      held.closed = true
      if (held.count === 0) native.lockClose(id)
    }
    super(id, -1, { close })
    this.kind = kind
    this.opened = opened
    this.held = held
  }

  /**
   * @param {() => number} call
   * @returns {number}
   */
  reopening(call) {
    const { held } = this
    return reopening(this.kind, this.id, call, () => {
      held.generation++
      held.count = 0
    })
  }

  /** @param {number} how @param {number} status @returns {any} a guard, or BLOCKED */
  entered(how, status) {
    if (status === WOULD_BLOCK) return BLOCKED
    const { held } = this
    const { generation } = held
    held.count++
    return guardOf(() => leave(held, how, generation), status === ABANDONED, this)
  }

  /**
   * @param {number} how
   * @returns {import('../wait/permits.js').Source}
   */
  source(how) {
    return {
      tryTake: (hasWaited) => {
        const call = () => lockTry(this.id, how)
        return this.entered(how, hasWaited ? call() : this.reopening(call))
      },
      beginTake: (reactor, token) => native.lockWait(reactor, token, this.id, how),
      takeHere: (milliseconds) => this.entered(how, lockTake(this.id, how, milliseconds)),
      taken: () => this.entered(how, lockEnter(this.id, how)),
    }
  }
}

/** @param {Held} held @param {number} how @param {number} generation */
function leave(held, how, generation) {
  if (held.generation !== generation) return
  held.count--
  lockLeave(held.id, how)
  if (held.closed && held.count === 0) native.lockClose(held.id)
}
