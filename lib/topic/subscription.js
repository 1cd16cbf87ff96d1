/**
 * One subscriber of a topic, with a position of its own.
 */
import { Spin } from '../channel/spin.js'
import { invalidThis, notSupported } from '../errors.js'
import { Handle } from '../handle.js'
import { iterate } from '../iterate.js'
import { isEnd, SOURCE } from '../select/source.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { SubscriptionCore, subscriptionOf } from './core.js'
import { NOTHING } from './reader.js'
import { Take, TakeMany } from './receiving.js'

const SUBSCRIPTION = 'a Subscription'

/** @template [M=Buffer] */
export class Subscription extends Handle {
  /** @type {SubscriptionCore} */
  #core
  /** @type {Spin | undefined} */
  #spin

  /** @param {SubscriptionCore} core */
  constructor(core) {
    super(core)
    this.#core = core
  }

  get missed() {
    return subscriptionOf(this).reader.missed
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<any>} */
  recv(options) {
    let core
    try {
      core = this.#core
    } catch {
      return Promise.reject(invalidThis(SUBSCRIPTION))
    }
    try {
      if (options === undefined && core.mayTakeAtOnce()) {
        const message = core.reader.take()
        if (message !== NOTHING) return Promise.resolve(message)
      }
      const wait = waitOf(objectOf(options))
      core.ready()
      return core.submit(core.receiving, new Take(core), wait)
    } catch (error) {
      return Promise.reject(core.member.broke(error))
    }
  }

  /** @returns {any} */
  tryRecv() {
    let core
    try {
      core = this.#core
    } catch {
      throw invalidThis(SUBSCRIPTION)
    }
    core.ready()
    const message = core.take()
    return message === BLOCKED ? undefined : message
  }

  /** @param {{ timeout?: number }} [options] @returns {any} */
  recvSync(options) {
    const core = subscriptionOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.ready()
    this.#spin ??= new Spin()
    return core.blockUntil(timeout, this.#spin)
  }

  /** @param {{ max?: number, timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<any[]>} */
  recvMany(options) {
    try {
      const core = subscriptionOf(this)
      const given = objectOf(options)
      const { max = Number.POSITIVE_INFINITY } = given
      if (max !== Number.POSITIVE_INFINITY) integer('options.max', max, 1)
      const wait = waitOf(given)
      core.ready()
      return core.submit(core.receiving, new TakeMany(core, max), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {AsyncIterableIterator<any>} */
  iterate(options) {
    const core = subscriptionOf(this)
    const wait = waitOf(objectOf(options))
    core.check()
    return iterate(
      core,
      () => core.lane,
      () => new Take(core),
      wait,
    )
  }

  dup() {
    subscriptionOf(this).check()
    throw notSupported('A Subscription cannot be duplicated: subscribe once more')
  }

  /** How `select` receives from it. @returns {import('../select/source.js').Source} */
  [SOURCE]() {
    const core = subscriptionOf(this)
    core.ready()
    return { core, direction: core.receiving, operation: new Take(core), ends: isEnd }
  }

  [Symbol.asyncIterator]() {
    subscriptionOf(this)
    return this.iterate()
  }
}
