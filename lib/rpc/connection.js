/**
 * One caller of a server: the calls of his that have no answer yet.
 */
import { abortError, BUSY, CANCELLED, DRAINING, gone, INVALID_REQUEST, METHOD_NOT_FOUND } from './errors.js'
import { refuseHandles } from './handles.js'
import { dispose, isId } from './links/link.js'
import { Running } from './running.js'

/** @typedef {import('./links/link.js').Link} Link */
/** @typedef {import('./links/link.js').Envelope} Envelope */
/** @typedef {import('./server-core.js').ServerCore} ServerCore */
/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {import('./running.js').Answering} Answering */

/** Calls of one caller without an answer, and bytes of those that have not begun. */
const MOST_CALLS = 65_536
const MOST_WAITING = 64 * 1024 * 1024

export class Connection {
  /** @param {ServerCore} server @param {Link} link */
  constructor(server, link) {
    this.server = server
    this.link = link
    this.gone = false
    /** By id, as soon as one takes time. @type {Map<unknown, Running>} */
    this.calls = new Map()
    /** Notifications that take time. @type {Set<Running>} */
    this.notifications = new Set()
    /** Bytes of what has not begun. */
    this.waiting = 0
    this.held = false
    /** @type {Credentials | null} */
    this.known = null
    /** @type {Answering} */
    this.answering = (frame, handles) => link.post(frame, handles)
  }

  get peer() {
    this.known ??= this.link.peer
    return /** @type {Credentials} */ (this.known)
  }

  /** Whether a call has no answer yet. */
  get busy() {
    return this.calls.size > 0
  }

  /** @param {any} frame @param {Envelope | undefined} envelope @param {number} size */
  request(frame, envelope, size) {
    this.begin(frame, envelope, size, this.answering)
  }

  /** @param {any[]} frames @param {number} size */
  batch(frames, size) {
    const { link } = this
    if (frames.length > MOST_CALLS) {
      link.refuse(null, INVALID_REQUEST, `A batch has at most ${MOST_CALLS} calls`)
      return
    }
    /** @type {any[]} */
    const answers = []
    let missing = 0
    let begun = false
    const finish = () => {
      if (!begun || missing > 0 || answers.length === 0 || this.gone) return
      this.answerAll(answers.splice(0))
    }
    /** @type {Answering} */
    const answering = (answer, handles = []) => {
      refuseHandles(handles)
      answers.push(answer)
      missing--
      finish()
      return undefined
    }
    for (const frame of frames) {
      const { id, method, jsonrpc } = Object(frame)
      if (typeof method !== 'string' || jsonrpc !== '2.0' || Array.isArray(frame)) {
        answers.push(
          link.notation.error(isId(id) ? id : null, { code: INVALID_REQUEST, message: 'This is no request' }),
        )
      } else if (method.startsWith('$/') && id !== undefined) {
        answers.push(
          link.notation.error(isId(id) ? id : null, { code: METHOD_NOT_FOUND, message: 'There is no such method' }),
        )
      } else if (method.startsWith('$/')) {
        link.instruct(frame, undefined)
      } else {
        if (id !== undefined) missing++
        this.begin({ ...frame, handles: undefined, stream: undefined }, undefined, size / frames.length, answering)
      }
    }
    begun = true
    finish()
  }

  /** The answers of a batch: together, or one by one where that would be too long. @param {any[]} answers */
  async answerAll(answers) {
    const { link } = this
    try {
      await link.post(link.notation.batch(answers))
    } catch (error) {
      if (/** @type {any} */ (error).code === 'EMSGSIZE') for (const answer of answers) link.postQuietly(answer)
    }
  }

  /** @param {any} frame @param {Envelope | undefined} envelope @param {number} size @param {Answering} answering */
  begin(frame, envelope, size, answering) {
    const { server } = this
    const { id } = frame
    const method = server.methods.get(frame.method)
    const refusal = this.refusal(id, method, frame.method)
    if (refusal !== undefined || method === undefined) {
      dispose(envelope)
      if (id !== undefined && refusal !== undefined) {
        // The id of a call that goes on stays that call's.
        const to = isId(id) && !this.calls.has(id) ? id : null
        try {
          answering(this.link.notation.error(to, refusal))?.catch(() => {})
        } catch {
          // He has gone.
        }
      }
      return
    }
    const running = new Running(this, frame, envelope, size, answering)
    if (server.admits()) {
      server.running++
      running.run(method, server.object)
    } else {
      this.register(running)
      this.hold(size)
      server.queue.set(running, method)
    }
  }

  /** @param {unknown} id @param {unknown} method @param {string} name */
  refusal(id, method, name) {
    if (id !== undefined && !isId(id)) return { code: INVALID_REQUEST, message: 'An id is a string or a number' }
    if (method === undefined) return { code: METHOD_NOT_FOUND, message: `There is no method '${name.slice(0, 100)}'` }
    if (this.server.draining) return { code: DRAINING, message: 'The server is about to end' }
    if (this.calls.has(id)) return { code: INVALID_REQUEST, message: 'The id belongs to a call that has no answer yet' }
    if (this.calls.size + this.notifications.size >= MOST_CALLS) {
      return { code: BUSY, message: `${MOST_CALLS} calls have no answer yet` }
    }
    return undefined
  }

  /** What takes time can be called off. @param {Running} running */
  register(running) {
    if (running.id === undefined) this.notifications.add(running)
    else this.calls.set(running.id, running)
    if (this.gone) running.stop(gone('unknown'))
  }

  /** @param {number} bytes that wait for their turn, or do not any more */
  hold(bytes) {
    this.waiting += bytes
    const full = this.waiting > MOST_WAITING
    if (full === this.held) return
    this.held = full
    if (full) this.link.pause()
    else this.link.resume()
  }

  /** @param {Running} running */
  ended(running) {
    if (running.id === undefined) this.notifications.delete(running)
    else if (this.calls.get(running.id) === running) this.calls.delete(running.id)
    this.server.finished()
    this.link.settle()
  }

  /** @param {unknown} id */
  cancel(id) {
    const running = this.calls.get(id)
    if (running === undefined) return
    running.stop()
    this.server.discard(running)
  }

  /** @param {unknown} id @param {unknown} count */
  more(id, count) {
    if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) this.calls.get(id)?.more?.(count)
  }

  /** The caller has gone, or cannot be understood. @param {Error | null} error */
  onEnd(error) {
    if (this.gone) return
    this.gone = true
    const reason = gone('unknown', error)
    this.server.forget(this, error)
    this.stopAll(reason)
  }

  /** @param {Error} reason */
  stopAll(reason) {
    for (const running of [...this.calls.values(), ...this.notifications]) {
      running.stop(reason)
      this.server.discard(running)
    }
  }
}

/** What a call that never began is answered with. */
export const NEVER_BEGUN = Object.assign(abortError('The caller has given the call up'), { code: CANCELLED })
