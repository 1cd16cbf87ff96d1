/**
 * What a handler is told of its call. Made for each call, so whatever costs something is made when it is asked for.
 */
import { invalidType } from '../errors.js'

/** @typedef {import('./running.js').Running} Running */
/** @typedef {import('../handle.js').Handle} Handle */

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose')

export class CallContext {
  /** @type {Running} */
  #running
  /** @type {AbortController | undefined} */
  #controller
  /** @type {Handle[] | undefined} */
  #handles

  /** @param {Running} running */
  constructor(running) {
    this.#running = running
  }

  /** Who calls, by the kernel's word. */
  get peer() {
    return this.#running.connection.peer
  }

  /** Aborted when the caller gives up, times out, dies, or the server closes. */
  get signal() {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      this.#running.onStop((reason) => controller.abort(reason))
    }
    return this.#controller.signal
  }

  /** What came along, from the first look on the handler's own. */
  get handles() {
    this.#handles ??= this.#running.takeHandles()
    return this.#handles
  }

  /**
   * Closes something once the call has ended and its answer is sent: what stays open here after it has been handed over.
   * @template {object} T
   * @param {T} disposable
   * @returns {T}
   */
  use(disposable) {
    const dispose = /** @type {any} */ (disposable)?.[DISPOSE]
    if (typeof dispose !== 'function') throw invalidType('disposable', 'something that can be disposed of', disposable)
    this.#running.onEnd(() => dispose.call(disposable))
    return disposable
  }
}
