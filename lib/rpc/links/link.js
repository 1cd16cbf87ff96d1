/**
 * A connection to one other process, whatever it is made of: frames go out in order, and come in to the part that they are
 * for. Requests are the server's, answers are the client's; one connection may have both.
 */
import { setImmediate } from 'node:timers'
import { DEEPEST, nestsTooDeep } from '../depth.js'
import { corrupt, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR } from '../errors.js'
import { CANCEL, ITEM, MORE } from '../protocol.js'
import { parseQuickly } from '../quick.js'

/** @typedef {import('../../unix-socket/message.js').Credentials} Credentials */
/** @typedef {import('../../channel/envelope.js').Envelope<unknown>} Envelope */
/** @typedef {import('../../handle.js').Handle} Handle */
/** @typedef {import('../protocol.js').Notation} Notation */
/** @typedef {import('../protocol.js').Id} Id */

/**
 * The part that requests are for.
 * @typedef {object} Requests
 * @property {(frame: any, envelope: Envelope | undefined, size: number) => void} request
 * @property {(frames: any[], size: number) => void} batch
 * @property {(id: unknown) => void} cancel
 * @property {(id: unknown, count: unknown) => void} more
 * @property {boolean} busy whether any has no answer yet
 * @property {(error: Error | null) => void} onEnd
 */

/**
 * The part that answers are for.
 * @typedef {object} Answers
 * @property {(frame: any, envelope: Envelope | undefined) => void} answer
 * @property {(frame: any, envelope: Envelope | undefined) => void} item
 * @property {(error: Error | null) => void} onEnd
 */

/** What a frame costs beside its bytes while it waits. */
const OVERHEAD = 256

/** Bytes that wait for the other side to take them: from there on nothing more is asked of it. */
const CONGESTED = 16 * 1024 * 1024

export class Link {
  constructor() {
    /** @type {Requests | undefined} */
    this.server = undefined
    /** Not kept from being forgotten while it waits for nothing. @type {WeakRef<Answers> | undefined} */
    this.client = undefined
    /** Why nothing comes any more: null where the other side has said so, undefined while it goes on. @type {Error | null | undefined} */
    this.ended = undefined
    /** The other side says no more, and waits for its answers. */
    this.halfClosed = false
    /** Bytes that are not sent yet. */
    this.waiting = 0
    /** How many reasons there are to take nothing from the other side. */
    this.pauses = 0
    this.congested = false
    /** Frames that nobody was waiting for. */
    this.dropped = 0
    /** What reads, once it has begun. @type {import('./listening.js').Listening | undefined} */
    this.listening = undefined
    /** A blocking call is looking, so what runs code of the user's waits until it has ended. */
    this.blocking = false
    /** @type {Array<() => void>} */
    this.deferred = []
  }

  /** @returns {Notation} */
  get notation() {
    throw new Error('a link has a notation')
  }

  /** @returns {Credentials | null} */
  get peer() {
    return null
  }

  /** Whether handles can go along. */
  get carriesHandles() {
    return false
  }

  /** Whether the other side may be given the memory behind a view in place of a copy. */
  get sharesViews() {
    return false
  }

  /**
   * Sends a frame behind all others: undefined if it is on its way already.
   * @param {any} frame
   * @param {Handle[]} [handles]
   * @returns {Promise<void> | undefined}
   */
  post(frame, handles) {
    return undefined
  }

  /** Blocks until it is sent. @param {any} frame @param {number} timeout */
  postSync(frame, timeout) {}

  /** Takes what is there, and blocks for more until `done`. @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {}

  /** Begins to read. */
  start() {}

  /** Reads on after a pause. */
  look() {}

  /** Takes all that has come by now. */
  lookAtAll() {
    do this.look()
    while (this.listening?.more && this.pauses === 0 && this.ended === undefined)
  }

  /** Ends it, here and there. */
  close() {}

  /**
   * A frame as it came.
   * @param {string} text
   * @param {Envelope | undefined} envelope
   * @param {number} size
   */
  deliverText(text, envelope, size) {
    let frame
    try {
      frame = (envelope === undefined ? parseQuickly(text) : undefined) ?? JSON.parse(text)
    } catch {
      dispose(envelope)
      this.malformed()
      return
    }
    if (nestsTooDeep(text)) this.refuseDepth(frame, envelope)
    else this.deliver(frame, envelope, size)
  }

  /** Whoever would walk through it shall not have to. @param {any} frame @param {Envelope | undefined} envelope */
  refuseDepth(frame, envelope) {
    this.drop(envelope)
    const told = `It is nested deeper than ${DEEPEST} levels`
    const { method, id, params } = Object(frame)
    const client = this.client?.deref()
    const answered =
      method === ITEM ? Object(params).id : method === undefined && !Array.isArray(frame) ? id : undefined
    if (answered === undefined) this.refuse(id, INVALID_REQUEST, told)
    else client?.answer({ id: answered, error: { code: INVALID_REQUEST, message: told } }, undefined)
  }

  /** What is no JSON: a caller is told so, a server that sends it is not to be understood any more. */
  malformed() {
    if (this.server !== undefined) this.refuse(null, PARSE_ERROR, 'This is not JSON')
    else this.fail(corrupt('a frame that is not JSON'))
  }

  /**
   * @param {any} frame
   * @param {Envelope | undefined} envelope
   * @param {number} size
   */
  deliver(frame, envelope, size) {
    if (frame === null || typeof frame !== 'object') return this.invalid(null, envelope)
    const { method } = frame
    if (method === undefined) {
      if (Array.isArray(frame)) return this.deliverBatch(frame, envelope, size)
      const client = this.client?.deref()
      if (client !== undefined) return client.answer(frame, envelope)
      const isAnswer = frame.result !== undefined || frame.error !== undefined
      return isAnswer ? this.drop(envelope) : this.invalid(frame.id, envelope)
    }
    if (typeof method !== 'string' || frame.jsonrpc !== '2.0') return this.invalid(frame.id, envelope)
    if (method.charCodeAt(0) === 36 && method.charCodeAt(1) === 47) return this.instruct(frame, envelope)
    const { server } = this
    if (server === undefined) {
      this.drop(envelope)
      if (frame.id !== undefined) this.refuse(frame.id, METHOD_NOT_FOUND, 'There is no server at this end')
    } else if (this.blocking) {
      this.deferred.push(() => this.server?.request(frame, envelope, size))
    } else {
      server.request(frame, envelope, size)
    }
  }

  /** @param {any[]} frames @param {Envelope | undefined} envelope @param {number} size */
  deliverBatch(frames, envelope, size) {
    dispose(envelope)
    const { server } = this
    if (frames.length === 0) return this.invalid(null, undefined)
    // A batch of answers: one by one.
    if (
      frames.every(
        (frame) =>
          frame !== null &&
          typeof frame === 'object' &&
          frame.method === undefined &&
          ('result' in frame || 'error' in frame),
      )
    ) {
      for (const frame of frames) this.deliver(frame, undefined, 0)
    } else if (server === undefined) {
      this.invalid(null, undefined)
    } else if (this.blocking) {
      this.deferred.push(() => this.server?.batch(frames, size))
    } else {
      server.batch(frames, size)
    }
  }

  /** Notifications that are part of the protocol. @param {any} frame @param {Envelope | undefined} envelope */
  instruct(frame, envelope) {
    const { method, params, id } = frame
    const told = Object(params)
    if (method === ITEM) {
      const client = this.client?.deref()
      if (client !== undefined) return client.item(told, envelope)
    } else if (method === CANCEL) {
      this.server?.cancel(told.id)
    } else if (method === MORE) {
      this.server?.more(told.id, told.count)
    } else if (id !== undefined) {
      this.refuse(id, METHOD_NOT_FOUND, `There is no method '${method.slice(0, 100)}'`)
    }
    this.drop(envelope)
  }

  /** What is JSON, but nothing that JSON-RPC has. @param {unknown} id @param {Envelope | undefined} envelope */
  invalid(id, envelope) {
    this.drop(envelope)
    if (this.server !== undefined) this.refuse(id, INVALID_REQUEST, 'This is no request of JSON-RPC 2.0')
  }

  /** @param {Envelope | undefined} envelope */
  drop(envelope) {
    this.dropped++
    dispose(envelope)
  }

  /** @param {unknown} id @param {number} code @param {string} message */
  refuse(id, code, message) {
    this.postQuietly(this.notation.error(isId(id) ? id : null, { code, message }))
  }

  /** What nobody waits for: where it cannot go, the connection has ended. @param {any} frame @param {Handle[]} [handles] */
  postQuietly(frame, handles) {
    try {
      this.post(frame, handles)?.catch(() => {})
    } catch {
      // Whoever reads learns of it.
    }
  }

  /**
   * Counts what waits to be sent: of a side that takes nothing, nothing is taken.
   * @param {Promise<void>} sending
   * @param {number} bytes
   */
  async awaitSent(sending, bytes) {
    const size = bytes + OVERHEAD
    this.waiting += size
    if (!this.congested && this.waiting > CONGESTED) {
      this.congested = true
      this.pause()
    }
    try {
      await sending
    } finally {
      this.waiting -= size
      if (this.congested && this.waiting <= CONGESTED / 2) {
        this.congested = false
        this.resume()
      }
      if (this.waiting === 0) this.onIdle()
      this.settle()
    }
  }

  /** Whether it goes on although nothing comes any more. */
  lingers() {
    return false
  }

  /** What goes on for the sake of answers alone ends with the last of them. */
  settle() {
    if (this.halfClosed && !this.lingers()) this.end(null)
  }

  /** Everything is sent. */
  onIdle() {}

  pause() {
    this.pauses++
  }

  resume() {
    if (--this.pauses === 0) setImmediate(() => this.look())
  }

  /** After a blocking call: what had to wait for its end. */
  proceed() {
    this.blocking = false
    if (this.deferred.length === 0) return
    setImmediate(() => {
      for (const run of this.deferred.splice(0)) run()
    })
  }

  /** The other side cannot be understood: nothing more is said or heard. @param {Error} error */
  fail(error) {
    this.end(error)
  }

  /** Nothing will come any more. @param {Error | null} error */
  end(error) {
    if (this.ended !== undefined) return
    this.ended = error
    const client = this.client?.deref()
    const { server } = this
    this.server = undefined
    this.client = undefined
    this.close()
    client?.onEnd(error)
    server?.onEnd(error)
  }

  /** One of the two parts is not there any more. */
  leave() {
    if (this.server === undefined && this.client === undefined && this.ended === undefined) {
      this.ended = null
      this.close()
    }
  }
}

/** @param {unknown} id @returns {id is Id} */
export function isId(id) {
  return typeof id === 'string' || Number.isFinite(id) || id === null
}

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose')

/** @param {any} disposable an envelope, if there is one */
export function dispose(disposable) {
  disposable?.[DISPOSE]()
}
