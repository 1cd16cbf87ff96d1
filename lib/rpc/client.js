/**
 * The caller's side: calls, one at a time or many at once, over one connection.
 */
import { invalidType, invalidValue, timedOut } from '../errors.js'
import { coresOf, Handle } from '../handle.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { callMany } from './batch.js'
import { answerOf, Call, SyncCall } from './call.js'
import { ClientCore } from './client-core.js'
import { read } from './reading.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

const coreOf = coresOf(ClientCore, 'an RpcClient')

export class RpcClient extends Handle {
  get dropped() {
    const core = coreOf(this)
    return core.dropped + core.link.dropped
  }

  /**
   * @param {string} method
   * @param {unknown} [params]
   * @param {{ handles?: Handle[] } & WaitOptions} [options]
   * @returns {Promise<any>}
   */
  call(method, params, options) {
    try {
      const core = coreOf(this)
      checkMethod(method)
      const given = objectOf(options)
      const { handles } = given
      const wait = waitOf(given)
      core.ready()
      if (wait.signal?.aborted) throw wait.signal.reason
      // No answer is there at once.
      if (wait.timeout === 0) throw timedOut()
      const call = new Call(core, core.calls.reserve())
      core.request(call, method, params, handles)
      if (wait.timeout !== Number.POSITIVE_INFINITY || wait.signal !== undefined) call.arm(wait)
      return answerOf(call, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {string} method @param {unknown} [params] @param {{ timeout?: number }} [options] @returns {any} */
  callSync(method, params, options) {
    const core = coreOf(this)
    checkMethod(method)
    const timeout = timeoutOf(objectOf(options))
    core.ready()
    if (timeout === 0) throw timedOut()
    return core.callSync(new SyncCall(core.calls.reserve()), method, params, timeout)
  }

  /** @param {string} method @param {unknown} [params] @returns {Promise<void>} */
  async notify(method, params) {
    const core = coreOf(this)
    checkMethod(method)
    core.ready()
    await core.notify(method, params)
  }

  /** @param {string} method @param {unknown} [params] @param {WaitOptions} [options] @returns {AsyncIterableIterator<any>} */
  stream(method, params, options) {
    const core = coreOf(this)
    checkMethod(method)
    const wait = waitOf(objectOf(options))
    core.check()
    return read(core, method, params, wait)
  }

  /** @param {Array<[string, unknown?]>} calls @param {WaitOptions} [options] @returns {Promise<Array<PromiseSettledResult<any>>>} */
  async batch(calls, options) {
    const core = coreOf(this)
    if (!Array.isArray(calls)) throw invalidType('calls', 'an array', calls)
    const all = Array.from(calls, (call, index) => {
      if (!Array.isArray(call)) throw invalidType(`calls[${index}]`, 'an array: a method and its params', call)
      const [method, params] = call
      checkMethod(method, `calls[${index}][0]`)
      return { method, params }
    })
    const wait = waitOf(objectOf(options))
    core.ready()
    if (wait.signal?.aborted) throw wait.signal.reason
    if (wait.timeout === 0) throw timedOut()
    return callMany(core, all, wait)
  }
}

/** @param {unknown} method */
function checkMethod(method, name = 'method') {
  if (typeof method !== 'string') throw invalidType(name, 'of type string', method)
  if (method.startsWith('$/'))
    throw invalidValue(name, method, "must not begin with '$/', as what belongs to the protocol does")
}
