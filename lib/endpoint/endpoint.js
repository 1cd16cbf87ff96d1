/**
 * Messages between processes that know nothing of each other but their numbers.
 */
import { coded, invalidType, telling } from '../errors.js'
import { coresOf, fix, Handle } from '../handle.js'
import { iterate } from '../iterate.js'
import { forget, record } from '../registry.js'
import { SOURCE } from '../select/source.js'
import { UnixListener } from '../unix-socket/listener.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { blockUntil } from '../wait/sync.js'
import { EndpointCore, Receive } from './core.js'
import { ownPlace, removeOwn } from './place.js'
import { DirectSend, letterOf } from './sending.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {import('./message.js').DirectMessage} DirectMessage */
/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {(peer: Credentials) => boolean} Admits */

const endpointOf = coresOf(EndpointCore, 'an Endpoint')

/** Before all others: what is there is taken by whoever asks without waiting. */
const AT_ONCE = -1

/** @param {unknown} pid */
function pidOf(pid) {
  return integer('pid', pid, 1, 0x7fffffff)
}

/** @param {Record<string, any>} options @returns {number | undefined} */
function fromOf({ from }) {
  return from === undefined ? undefined : integer('options.from', from, 1, 0x7fffffff)
}

/** @param {unknown} authorize @returns {Admits} */
function admitsOf(authorize) {
  // A process of another namespace has no number here. One that cannot be named is nobody.
  if (authorize === undefined) return ({ pid, uid }) => pid > 0 && uid === process.geteuid?.()
  if (typeof authorize !== 'function') throw invalidType('options.authorize', 'of type function', authorize)
  return (peer) => {
    try {
      return peer.pid > 0 && authorize(peer) === true
    } catch {
      return false
    }
  }
}

export class Endpoint extends Handle {
  /** @param {EndpointCore} core */
  constructor(core) {
    super(core)
    fix(this, 'pid', process.pid)
  }

  /** @param {{ authorize?: Admits }} [options] */
  static open(options) {
    const { authorize } = objectOf(options)
    const admits = admitsOf(authorize)
    const others = authorize !== undefined
    const { path, abstract } = ownPlace()
    /** @type {UnixListener[]} */
    const listeners = []
    try {
      listeners.push(listen(path, admits))
      if (others) listeners.push(listen(abstract, admits))
      return new Endpoint(new EndpointCore(listeners, path, admits, others))
    } catch (error) {
      for (const listener of listeners) listener.close()
      if (listeners.length > 0) removeOwn(path)
      throw error
    }
  }

  /**
   * @param {number} pid
   * @param {unknown} data
   * @param {{ handles?: Handle[] } & WaitOptions} [options]
   * @returns {Promise<void>}
   */
  send(pid, data, options) {
    try {
      const core = endpointOf(this)
      const to = pidOf(pid)
      const given = objectOf(options)
      const { handles } = given
      const wait = waitOf(given)
      if (wait.signal?.aborted) return Promise.reject(wait.signal.reason)
      const letter = letterOf(data, handles)
      core.check()
      const outgoing = core.to(to)
      return outgoing.sending.submit(new DirectSend(outgoing, letter, wait.timeout === 0), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {number} pid @param {unknown} data @param {{ handles?: Handle[] }} [options] */
  trySend(pid, data, options) {
    const core = endpointOf(this)
    const to = pidOf(pid)
    const { handles } = objectOf(options)
    const letter = letterOf(data, handles)
    core.check()
    const outgoing = core.to(to)
    if (outgoing.sending.head !== undefined) return false
    const send = new DirectSend(outgoing, letter, true)
    if (send.attempt() !== BLOCKED) return true
    send.done()
    return false
  }

  /** @param {number} pid @param {unknown} data @param {{ handles?: Handle[], timeout?: number }} [options] */
  sendSync(pid, data, options) {
    const core = endpointOf(this)
    const to = pidOf(pid)
    const given = objectOf(options)
    const { handles } = given
    const timeout = timeoutOf(given)
    const letter = letterOf(data, handles)
    core.check()
    const outgoing = core.to(to)
    const { sending } = outgoing
    const send = new DirectSend(outgoing, letter, timeout === 0)
    try {
      blockUntil(
        () => {
          // What is queued already goes first.
          if (sending.head !== undefined) sending.onReady()
          core.check()
          return sending.head === undefined ? send.attempt() : BLOCKED
        },
        (milliseconds) => outgoing.block(milliseconds),
        timeout,
      )
    } catch (error) {
      throw send.failure(error)
    }
  }

  /** @param {{ from?: number } & WaitOptions} [options] @returns {Promise<DirectMessage>} */
  recv(options) {
    try {
      const core = endpointOf(this)
      const given = objectOf(options)
      const from = fromOf(given)
      const wait = waitOf(given)
      core.check()
      if (wait.timeout === 0 && !wait.signal?.aborted) core.look(from)
      return core.directionOf(from).submit(new Receive(core, from), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ from?: number }} [options] @returns {DirectMessage | undefined} */
  tryRecv(options) {
    const core = endpointOf(this)
    const from = fromOf(objectOf(options))
    core.check()
    const message = takeNow(core, from)
    return message === BLOCKED ? undefined : message
  }

  /** @param {{ from?: number, timeout?: number }} [options] @returns {DirectMessage} */
  recvSync(options) {
    const core = endpointOf(this)
    const given = objectOf(options)
    const from = fromOf(given)
    const timeout = timeoutOf(given)
    core.check()
    return blockUntil(
      () => {
        core.check()
        return takeNow(core, from)
      },
      (milliseconds) => core.look(from, milliseconds),
      timeout,
    )
  }

  /** @param {{ from?: number } & WaitOptions} [options] @returns {AsyncIterableIterator<DirectMessage>} */
  iterate(options) {
    const core = endpointOf(this)
    const given = objectOf(options)
    const from = fromOf(given)
    const wait = waitOf(given)
    core.check()
    return iterate(
      core,
      () => core.directionOf(from),
      () => new Receive(core, from),
      wait,
    )
  }

  [SOURCE]() {
    const core = endpointOf(this)
    core.check()
    const operation = new Receive(core, undefined)
    const now = () => {
      core.look(undefined)
      return operation.attempt()
    }
    return { core, direction: core.directionOf(undefined), operation, now }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }

  dup() {
    endpointOf(this).check()
    throw taken()
  }
}

/** @param {EndpointCore} core @param {number | undefined} from */
function takeNow(core, from) {
  const message = core.take(from, AT_ONCE)
  if (message !== BLOCKED) return message
  core.look(from)
  // Whoever decides on those who connect may have closed it.
  core.check()
  return core.take(from, AT_ONCE)
}

/** @param {string} address @param {Admits} authorize */
function listen(address, authorize) {
  const isFile = !address.startsWith('@')
  if (isFile) record('socket', address)
  try {
    return UnixListener.listen(address, { type: 'seqpacket', onStale: 'replace', authorize }).unref()
  } catch (error) {
    if (isFile && /** @type {any} */ (error).code === 'EADDRINUSE') throw taken()
    // Another thread's is listed under the same name, but then it is in use.
    if (isFile) forget('socket', address)
    throw telling(error, () => ({ path: address }))
  }
}

function taken() {
  return coded(Error, 'ERR_IPC_EXCLUSIVE', 'This process has an endpoint already', {
    hint: 'there is one for each process, whichever of its threads has opened it: share that, or close it first',
  })
}
