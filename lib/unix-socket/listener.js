/**
 * Unix domain sockets that listen: see unix(7), listen(2), accept(2).
 */
import { closedError, invalidType, invalidValue } from '../errors.js'
import { coresOf, fix, Handle, isOwned } from '../handle.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { descriptor, integer, mode as modeOf, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { blockUntil } from '../wait/sync.js'
import { Accept, accept, ListenerCore } from './accepting.js'
import { addressOf } from './address.js'
import { TYPES } from './core.js'
import { replaces } from './stale.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {import('./message.js').Credentials} Credentials */
/** @typedef {import('./socket.js').UnixSocket} UnixSocket */
/** @typedef {import('../../native.js').UnixListenerFacts} Facts */

/** What Node takes: the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 511

export const listenerOf = coresOf(ListenerCore, 'a UnixListener')

/** @param {unknown} type @returns {number} */
function typeOf(type) {
  if (type === undefined) return TYPES.indexOf('stream')
  if (typeof type !== 'string') throw invalidType('options.type', 'of type string', type)
  if (type !== 'stream' && type !== 'seqpacket') {
    throw invalidValue('options.type', type, "must be 'stream' or 'seqpacket': nobody connects to others")
  }
  return TYPES.indexOf(type)
}

/** @param {unknown} authorize @returns {((peer: Credentials) => boolean) | undefined} */
function authorizeOf(authorize) {
  if (authorize === undefined || typeof authorize === 'function') return /** @type {any} */ (authorize)
  throw invalidType('options.authorize', 'of type function', authorize)
}

export class UnixListener extends Handle {
  /** @param {ListenerCore} core @param {Facts} facts */
  constructor(core, facts) {
    super(core)
    fix(this, 'type', TYPES[facts.kind])
    fix(this, 'address', facts.address ?? null)
  }

  /**
   * @param {string} address
   * @param {{ type?: 'stream' | 'seqpacket', mode?: number, backlog?: number, onStale?: 'fail' | 'replace', authorize?: (peer: Credentials) => boolean }} [options]
   */
  static listen(address, options) {
    const { type, mode, backlog, onStale, authorize } = objectOf(options)
    const given = {
      kind: typeOf(type),
      mode: modeOf('options.mode', mode, 0o600),
      backlog: backlog === undefined ? BACKLOG : integer('options.backlog', backlog, 0, 0x7fffffff),
      replace: replaces(onStale),
    }
    const admits = authorizeOf(authorize)
    return opened(native.unixListenerOpen(addressOf('address', address), given), admits)
  }

  /** @param {number} fd */
  static fromFd(fd) {
    const number = descriptor('fd', fd)
    if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
    return opened(native.unixListenerAdopt(number), undefined)
  }

  /** @param {WaitOptions} [options] @returns {Promise<UnixSocket>} */
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

  /** @returns {UnixSocket | undefined} */
  tryAccept() {
    const core = listenerOf(this)
    core.check()
    const socket = accept(core)
    return socket === BLOCKED ? undefined : socket
  }

  /** @param {{ timeout?: number }} [options] @returns {UnixSocket} */
  acceptSync(options) {
    const core = listenerOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return blockUntil(
      () => {
        // Whoever decides on the peers may have closed it.
        if (core.closed) throw closedError()
        return accept(core)
      },
      (milliseconds) => native.unixListenerBlock(core.id, milliseconds),
      timeout,
    )
  }

  /** @param {WaitOptions} [options] @returns {AsyncIterableIterator<UnixSocket>} */
  iterate(options) {
    const core = listenerOf(this)
    const wait = waitOf(objectOf(options))
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

  dup() {
    const core = listenerOf(this)
    core.check()
    return /** @type {this} */ (opened(native.unixListenerDuplicate(core.id), core.authorize))
  }
}

/** @param {Facts} facts @param {((peer: Credentials) => boolean) | undefined} authorize */
function opened(facts, authorize) {
  return new UnixListener(new ListenerCore(facts, authorize), facts)
}
