/**
 * Receives signals, with who sent them.
 */
import { coresOf, Handle } from '../handle.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { waitAndTry } from '../wait/sync.js'
import { SignalCore } from './core.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {import('../../index.js').SignalInfo} SignalInfo */

class Receive extends Operation {
  /** @param {SignalCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    return this.core.take(0)
  }
}

const receiverOf = coresOf(SignalCore, 'a SignalReceiver')

export class SignalReceiver extends Handle {
  get dropped() {
    const core = receiverOf(this)
    return core.closed ? core.dropped : native.signalDropped(core.id)
  }

  /** @param {WaitOptions} [options] @returns {Promise<SignalInfo>} */
  recv(options) {
    try {
      const core = receiverOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.receiving.submit(new Receive(core), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {SignalInfo | undefined} */
  tryRecv() {
    const core = receiverOf(this)
    core.check()
    const info = core.take(0)
    return info === BLOCKED ? undefined : info
  }

  /** @param {{ timeout?: number }} [options] @returns {SignalInfo} */
  recvSync(options) {
    const core = receiverOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return waitAndTry((milliseconds) => core.take(milliseconds), timeout)
  }

  /** @param {WaitOptions} [options] @returns {AsyncIterableIterator<SignalInfo>} */
  iterate(options) {
    const core = receiverOf(this)
    const wait = waitOf(objectOf(options))
    return iterate(
      core,
      () => core.receiving,
      () => new Receive(core),
      wait,
    )
  }

  [SOURCE]() {
    const core = receiverOf(this)
    core.check()
    return { core, direction: core.receiving, operation: new Receive(core) }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }

  /** Another receiver of the same signals, from here on. */
  dup() {
    const core = receiverOf(this)
    core.check()
    return new SignalReceiver(new SignalCore(core.numbers))
  }
}
