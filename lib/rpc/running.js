/**
 * One call at the server: from its request to its answer.
 */
import { CallContext } from './context.js'
import { abortError, bodyOf, CANCELLED, INTERNAL_ERROR } from './errors.js'
import { give, isGiving } from './giving.js'
import { extract, insert, refuseHandles } from './handles.js'
import { dispose } from './links/link.js'

/** @typedef {import('./connection.js').Connection} Connection */
/** @typedef {import('./links/link.js').Envelope} Envelope */
/** @typedef {import('./protocol.js').Id} Id */
/** @typedef {import('../handle.js').Handle} Handle */
/** @typedef {(params: any, context: CallContext) => unknown} Method */
/** Where an answer goes: into its connection, or into a batch. @typedef {(frame: any, handles?: Handle[]) => Promise<void> | undefined} Answering */

export class Running {
  /**
   * @param {Connection} connection
   * @param {any} frame
   * @param {Envelope | undefined} envelope
   * @param {number} size
   * @param {Answering} answering
   */
  constructor(connection, frame, envelope, size, answering) {
    this.connection = connection
    this.envelope = envelope
    this.size = size
    this.answering = answering
    /** @type {Id | undefined} undefined for a notification */
    this.id = frame.id
    this.params = frame.params === null ? undefined : frame.params
    this.places = frame.handles
    /** How many items the caller takes: undefined if it did not ask for a stream. @type {number | undefined} */
    this.stream = Number.isSafeInteger(frame.stream) && frame.stream >= 0 ? frame.stream : undefined
    /** @type {((reason: Error) => void) | undefined} */
    this.stopping = undefined
    /** Why nobody wants it any more. @type {Error | undefined} */
    this.stopped = undefined
    /** @type {Array<() => void> | undefined} */
    this.ending = undefined
    /** Its place is not the running ones' any more. */
    this.over = false
    /** Grants more items. @type {((count: number) => void) | undefined} */
    this.more = undefined
    /** Handles that stood nowhere in the params. @type {Handle[] | undefined} */
    this.rest = undefined
  }

  /** @param {Method} method @param {object} methods */
  run(method, methods) {
    try {
      if (this.envelope !== undefined && Array.isArray(this.places)) this.place()
      const result = method.call(methods, this.params, new CallContext(this))
      // To be asked what it is may run code of the user's.
      const pending = isThenable(result) || isGiving(result, this.stream !== undefined)
      if (pending) {
        this.connection.register(this)
        this.settle(result)
      } else {
        this.succeed(result)
      }
    } catch (error) {
      this.fail(error)
    }
  }

  /** @param {any} promise */
  async settle(promise) {
    try {
      let result = await promise
      if (isGiving(result, this.stream !== undefined)) result = await give(this, result)
      this.succeed(result)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Puts the handles that stand in the params there. */
  place() {
    const root = { value: this.params }
    const all = this.takeAll()
    this.rest = insert(root, all, this.places)
    this.params = root.value
  }

  takeAll() {
    const { envelope } = this
    this.envelope = undefined
    return envelope === undefined ? [] : envelope.takeHandles()
  }

  takeHandles() {
    const rest = this.rest ?? this.takeAll()
    this.rest = undefined
    return rest
  }

  /** @param {unknown} result */
  succeed(result) {
    if (this.over) return
    if (this.id === undefined || this.connection.gone) {
      this.end()
      return
    }
    const { link } = this.connection
    try {
      if (result === null || typeof result !== 'object') {
        this.answer(link.notation.result(this.id, result, undefined))
        return
      }
      /** @type {Handle[]} */
      const handles = []
      /** @type {unknown[]} */
      const places = []
      const rest = extract(result, handles, places, link.sharesViews)
      if (!link.carriesHandles) refuseHandles(handles)
      const frame = link.notation.result(this.id, rest, handles.length === 0 ? undefined : { handles: places })
      this.answer(frame, handles)
    } catch (error) {
      this.refuse(error)
    }
  }

  /** @param {unknown} thrown */
  fail(thrown) {
    if (this.over) return
    if (this.id === undefined || this.connection.gone) {
      this.end()
      return
    }
    const body = this.stopped !== undefined ? { ...bodyOf(thrown), code: CANCELLED } : bodyOf(thrown)
    try {
      this.answer(this.frameOf(body))
    } catch (error) {
      this.refuse(error)
    }
  }

  /** @param {import('./errors.js').ErrorBody} body */
  frameOf(body) {
    const id = /** @type {Id} */ (this.id)
    const { notation } = this.connection.link
    try {
      return notation.error(id, body)
    } catch {
      // What it says of itself cannot be written down.
      const { data, ...told } = body
      return notation.error(id, told)
    }
  }

  /** The answer cannot be sent, but that can be said. @param {any} error */
  refuse(error) {
    if (this.over) return
    const { remote, message: reason } = bodyOf(error, 1000)
    const body = { code: INTERNAL_ERROR, message: `The answer cannot be sent: ${reason}`, remote }
    try {
      this.answer(this.connection.link.notation.error(/** @type {Id} */ (this.id), body))
    } catch {
      this.end()
    }
  }

  /** @param {any} frame @param {Handle[]} [handles] */
  answer(frame, handles) {
    const sending = this.answering(frame, handles)
    if (sending === undefined) {
      this.end()
      return
    }
    sending.then(
      () => this.end(),
      (error) => (handles === undefined && error?.code !== 'EMSGSIZE' ? this.end() : this.refuse(error)),
    )
  }

  end() {
    if (this.over) return
    this.over = true
    dispose(this.envelope)
    for (const handle of this.rest ?? []) handle.close()
    if (this.ending !== undefined) for (const done of this.ending.splice(0)) quietly(done)
    this.connection.ended(this)
  }

  /** @param {() => void} done */
  onEnd(done) {
    if (this.over) quietly(done)
    else {
      this.ending ??= []
      this.ending.push(done)
    }
  }

  /** @param {(reason: Error) => void} stopping */
  onStop(stopping) {
    if (this.stopped !== undefined) {
      stopping(this.stopped)
      return
    }
    const before = this.stopping
    this.stopping = (reason) => {
      before?.(reason)
      stopping(reason)
    }
  }

  /** Nobody wants it any more. @param {Error} [reason] */
  stop(reason = abortError('The caller has given the call up')) {
    if (this.stopped !== undefined) return
    this.stopped = reason
    const { stopping } = this
    this.stopping = undefined
    if (stopping !== undefined) stopping(reason)
  }
}

/** @param {() => void} done */
function quietly(done) {
  try {
    done()
  } catch {
    // It was to be closed, and whatever came of that is nobody's answer.
  }
}

/** @param {any} result @returns {boolean} */
function isThenable(result) {
  return result !== null && typeof result === 'object' && typeof result.then === 'function'
}
