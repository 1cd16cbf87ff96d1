/**
 * What stands behind a client: the table of calls that have no answer yet.
 */
import { closedError, invalidType, retrace, tooManyPending } from '../errors.js'
import { Core, Handle } from '../handle.js'
import { corrupt, errorOf, gone } from './errors.js'
import { extract, insert, refuseHandles, refuseHandlesIn } from './handles.js'
import { dispose } from './links/link.js'
import { CANCEL } from './protocol.js'
import { Table } from './table.js'

/** @typedef {import('./links/link.js').Link} Link */
/** @typedef {import('./links/link.js').Envelope} Envelope */
/** @typedef {import('../validate.js').Wait} Wait */
/** @typedef {import('./reading.js').Reading} Reading */
/** @typedef {import('./call.js').Call} Call */
/** @typedef {import('./call.js').SyncCall} SyncCall */

/**
 * Nothing of this may lead back to the core, as what is made within its constructor does: a client that is forgotten is closed
 * by it.
 * @param {Link} link
 * @returns {import('../handle.js').Native}
 */
function leaving(link) {
  return {
    close() {
      link.client = undefined
      link.leave()
    },
  }
}

export class ClientCore extends Core {
  /** @param {Link} link */
  constructor(link) {
    super(1, -1, leaving(link))
    this.link = link
    /** @type {Table<Call | SyncCall | Reading>} */
    this.calls = new Table()
    this.closing.add(() => this.failAll(closedError))
    /** Answers that came when nobody waited any more. */
    this.dropped = 0
    link.client = new WeakRef(this)
  }

  /** Throws unless calls can be made. */
  ready() {
    this.check()
    const { ended } = this.link
    if (ended !== undefined) throw this.outcome('no', ended)
    if (this.calls.size >= this.pendingLimit) throw tooManyPending(this.pendingLimit)
  }

  /**
   * Sends a request, and waits for nothing.
   * @param {Call | SyncCall | Reading} call
   * @param {string} method
   * @param {unknown} params
   * @param {unknown} handles
   * @param {number} [stream]
   */
  request(call, method, params, handles, stream) {
    const { id } = call
    const { link } = this
    /** @type {Handle[]} */
    const all = []
    try {
      const [rest, extra] = this.gather(params, handles, stream, all)
      const frame = link.notation.request(id, method, rest, extra)
      // What the params are made of may have been code of the user's.
      this.ready()
      this.send([call], frame, all)
    } catch (error) {
      this.calls.release(id)
      throw error
    }
  }

  /**
   * Many requests in one frame.
   * @param {Call[]} calls
   * @param {any} frame
   */
  requestAll(calls, frame) {
    this.ready()
    if (this.calls.size + calls.length > this.pendingLimit) throw tooManyPending(this.pendingLimit)
    this.send(calls, frame, [])
  }

  /**
   * @param {Array<Call | SyncCall | Reading>} calls
   * @param {any} frame
   * @param {Handle[]} handles
   */
  send(calls, frame, handles) {
    let sending
    try {
      sending = this.link.post(frame, handles)
    } catch (error) {
      throw this.unsent(error)
    }
    for (const call of calls) {
      this.calls.set(call)
      this.begin()
    }
    sending?.catch((error) => {
      for (const call of calls) if (this.remove(call)) call.fail(this.unsent(error))
    })
  }

  /**
   * What is written of params, and what a frame has besides. The handles are put into `all`.
   * @param {unknown} params
   * @param {unknown} handles
   * @param {number | undefined} stream
   * @param {Handle[]} all
   * @returns {[unknown, import('./protocol.js').Extra | undefined]}
   */
  gather(params, handles, stream, all) {
    addHandles(handles, all)
    const plain = params === null || typeof params !== 'object'
    if (plain && all.length === 0 && stream === undefined) return [params, undefined]
    /** @type {unknown[]} */
    const places = all.map(() => null)
    const rest = extract(params, all, places, this.link.sharesViews)
    if (!this.link.carriesHandles) refuseHandles(all)
    if (all.length === 0 && stream === undefined) return [rest, undefined]
    /** @type {import('./protocol.js').Extra} */
    const extra = {}
    if (stream !== undefined) extra.stream = stream
    // Told here: what sends the frame says the same of a connection that is closed.
    if (all.some((handle) => handle.closed)) throw closedError()
    if (all.length > 0) extra.handles = places
    return [rest, extra]
  }

  /**
   * With this thread blocked. Answers to others go to them meanwhile.
   * @param {SyncCall} call
   * @param {string} method
   * @param {unknown} params
   * @param {number} timeout
   */
  callSync(call, method, params, timeout) {
    const { link } = this
    const deadline = performance.now() + timeout
    let frame
    try {
      refuseHandlesIn(params)
      frame = link.notation.request(call.id, method, params, undefined)
      this.ready()
    } catch (error) {
      this.calls.release(call.id)
      throw error
    }
    link.blocking = true
    let sent = false
    this.calls.set(call)
    this.begin()
    try {
      link.postSync(frame, timeout)
      sent = true
      link.readSync(
        () => call.done,
        timeout === Number.POSITIVE_INFINITY ? timeout : Math.max(0, deadline - performance.now()),
      )
    } catch (error) {
      if (!this.remove(call)) {
        // Answered, or failed with the connection.
      } else if (/** @type {any} */ (error).code === 'ETIMEDOUT') {
        if (sent) this.cancel(call.id)
        throw error
      } else {
        if (sent) link.end(/** @type {Error} */ (error))
        throw sent ? this.outcome('unknown', /** @type {Error} */ (error)) : this.unsent(error)
      }
    } finally {
      link.proceed()
    }
    if (this.remove(call)) throw this.closed ? closedError() : this.outcome('unknown', link.ended ?? null)
    if (call.failed) throw retrace(call.error)
    return call.value
  }

  /** @param {string} method @param {unknown} params */
  async notify(method, params) {
    const { link } = this
    /** @type {Handle[]} */
    const all = []
    const [rest, extra] = this.gather(params, undefined, undefined, all)
    const frame = link.notation.notification(method, rest, extra)
    this.ready()
    if (this.waiting >= this.pendingLimit) throw tooManyPending(this.pendingLimit)
    this.begin()
    try {
      await link.post(frame, all)
    } catch (error) {
      throw this.unsent(error)
    } finally {
      this.end()
    }
  }

  /** Takes a call from the table; false if it is not there any more. @param {{ id: number }} call */
  remove(call) {
    if (!this.calls.delete(call.id)) return false
    this.end()
    return true
  }

  /** The other side may stop working on a call. @param {number} id */
  cancel(id) {
    const { link } = this
    if (link.ended === undefined) link.postQuietly(link.notation.notification(CANCEL, { id }, undefined))
  }

  /** @param {any} frame @param {Envelope | undefined} envelope */
  answer(frame, envelope) {
    const { id, error } = frame
    const call = this.calls.get(id)
    if (call === undefined) {
      this.dropped++
      dispose(envelope)
      return
    }
    this.remove(call)
    if (error !== undefined && error !== null) {
      dispose(envelope)
      call.fail(errorOf(error))
    } else if (frame.jsonrpc !== '2.0' || frame.result === undefined) {
      dispose(envelope)
      call.fail(corrupt('an answer that is none'))
    } else if (envelope === undefined) {
      call.succeed(frame.result)
    } else {
      deliver(call, frame, 'result', envelope)
    }
  }

  /** @param {any} params @param {Envelope | undefined} envelope */
  item(params, envelope) {
    const call = this.calls.get(params.id)
    if (call === undefined || !('give' in call)) {
      // Of one that has been given up, as a rule.
      this.dropped++
      dispose(envelope)
    } else if (!call.give(params, envelope)) {
      this.link.fail(corrupt('more of a stream than was asked for'))
    }
  }

  /** The connection has ended. @param {Error | null} error */
  onEnd(error) {
    this.failAll(() => this.outcome('unknown', error))
  }

  /** @param {() => Error} make */
  failAll(make) {
    for (const call of this.calls.clear()) {
      this.end()
      call.fail(make())
    }
  }

  /** @param {'no' | 'unknown'} delivered @param {Error | null} error */
  outcome(delivered, error) {
    const { code } = /** @type {any} */ (error ?? {})
    if (code === 'ERR_IPC_CLOSED' && this.closed) return closedError()
    // What it sent cannot be: that is no death.
    if (code === 'ERR_IPC_CORRUPT' || code === 'EMSGSIZE')
      return Object.assign(new Error(error?.message), { code, cause: error })
    return gone(delivered, error)
  }

  /** Why a frame could not be sent. @param {any} error */
  unsent(error) {
    switch (error?.code) {
      case 'EPIPE':
      case 'ECONNRESET':
      case 'ENOTCONN':
      case 'ERR_IPC_PEER_DIED':
        return gone('no', error)
      case 'ERR_IPC_CLOSED':
        return this.closed ? closedError() : this.outcome('no', this.link.ended ?? null)
      default:
        return error
    }
  }
}

/**
 * @param {{ succeed(value: any): void, fail(error: unknown): void }} call
 * @param {any} frame
 * @param {string} name
 * @param {Envelope} envelope
 */
export function deliver(call, frame, name, envelope) {
  const root = { value: frame[name] }
  try {
    // Those that stand nowhere are nobody's.
    for (const handle of insert(root, envelope.takeHandles(), frame.handles)) handle.close()
  } catch (error) {
    call.fail(error)
    return
  }
  call.succeed(root.value)
}

/** @param {unknown} handles @param {Handle[]} all */
function addHandles(handles, all) {
  if (handles === undefined) return
  if (!Array.isArray(handles)) throw invalidType('options.handles', 'an array', handles)
  for (const [index, handle] of Array.from(handles).entries()) {
    if (!(handle instanceof Handle)) throw invalidType(`options.handles[${index}]`, 'a handle of os-ipc', handle)
    all.push(handle)
  }
}
