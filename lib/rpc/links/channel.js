/**
 * Frames as messages of a channel: JSON as bytes, or values by the channel's own codec. Handles go along.
 */
import { Buffer } from 'node:buffer'
import { take, takeOrSleep } from '../../channel/receiving.js'
import { coreOf } from '../../handle.js'
import { BLOCKED } from '../../wait/direction.js'
import { json, text, value } from '../protocol.js'
import { Link } from './link.js'
import { listen } from './listening.js'

/** @typedef {import('../../channel/channel.js').Channel<any>} Channel */
/** @typedef {import('../../channel/core.js').ChannelCore} ChannelCore */
/** @typedef {import('../../handle.js').Handle} Handle */

/** Of a frame whose length is not known. */
const GUESS = 1024

/** Where short frames are written: what is sent at once is copied by then. */
const desk = Buffer.allocUnsafeSlow(16 * 1024)
/** In UTF-16 units: none of them takes more than three bytes. */
const SHORT = 5 * 1024

/** @param {string} frame */
function written(frame) {
  return desk.subarray(0, desk.write(frame))
}

/**
 * Frames are text, so nobody needs the memory that they came in.
 * @param {any} incoming
 */
function readText(incoming) {
  incoming.read = (/** @type {any} */ _, /** @type {number} */ from, /** @type {number} */ length) =>
    incoming.text(from, length)
  incoming.decode = (/** @type {Buffer} */ message) => message.toString()
}

export class ChannelLink extends Link {
  /** @param {Channel} channel */
  constructor(channel) {
    super()
    this.channel = channel
    this.core = /** @type {ChannelCore} */ (coreOf(channel))
    this.core.ready()
    // What waits is counted in bytes, and calls are counted where they are made.
    this.core.pendingLimit = Number.MAX_SAFE_INTEGER
    this.bytes = this.core.facts.codec === 'bytes'
    if (this.bytes) readText(this.core.incoming)
    channel.unref()
  }

  get notation() {
    return this.bytes ? text : this.structured ? value : json
  }

  get peer() {
    return this.channel.peer
  }

  get carriesHandles() {
    return true
  }

  get structured() {
    return this.core.facts.codec === 'structured'
  }

  get sharesViews() {
    return this.structured
  }

  start() {
    this.core.listen()
    listen(this, this.core.receiving)
  }

  look() {
    this.core.receiving.onReady()
  }

  next() {
    return this.core.closed ? BLOCKED : takeOrSleep(this.core)
  }

  /** @param {any} message */
  handOn(message) {
    const { core } = this
    const envelope = core.incoming.handles === undefined ? undefined : core.envelope(message)
    if (this.bytes) this.deliverText(message, envelope, message.length)
    else this.deliver(message, envelope, GUESS)
  }

  /** @param {any} frame @param {Handle[]} [handles] */
  post(frame, handles) {
    const { channel } = this
    if (handles === undefined || handles.length === 0) {
      if (channel.trySend(this.bytes && frame.length < SHORT ? written(frame) : this.messageOf(frame))) return undefined
      const message = this.messageOf(frame)
      return this.awaitSent(channel.send(message), this.bytes ? message.length : GUESS)
    }
    const message = this.messageOf(frame)
    return this.awaitSent(channel.send(message, { handles }), this.bytes ? message.length : GUESS)
  }

  /** @param {any} frame */
  messageOf(frame) {
    return this.bytes ? Buffer.from(frame) : frame
  }

  /** @param {any} frame @param {number} timeout */
  postSync(frame, timeout) {
    this.channel.sendSync(this.bytes ? Buffer.from(frame) : frame, { timeout })
  }

  /** @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {
    const { core } = this
    core.blocking = true
    try {
      core.blockUntil(
        () => {
          while (!done()) {
            if (core.closed) return undefined
            const message = take(core)
            if (message === BLOCKED) return BLOCKED
            if (message === null) {
              this.end(null)
              return undefined
            }
            this.handOn(message)
          }
          return undefined
        },
        timeout,
        core.spin,
        core.stirs,
      )
    } finally {
      core.blocking = false
      core.passOn()
    }
  }

  close() {
    this.channel.close()
  }
}
