/**
 * Frames as messages of a channel: JSON as bytes, or values by the channel's own codec. Handles go along.
 */
import { Buffer } from 'node:buffer'
import { take, takeOrSleep } from '../../channel/receiving.js'
import { Spin } from '../../channel/spin.js'
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

export class ChannelLink extends Link {
  /** @param {Channel} channel */
  constructor(channel) {
    super()
    this.channel = channel
    this.core = /** @type {ChannelCore} */ (coreOf(channel))
    this.core.ready()
    this.bytes = this.core.facts.codec === 'bytes'
    /** @type {import('../../wait/direction.js').Direction['head']} */
    this.listening = undefined
    /** @type {Spin | undefined} */
    this.spin = undefined
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
    if (this.bytes) this.deliverText(message.toString(), envelope, message.length)
    else this.deliver(message, envelope, GUESS)
  }

  /** @param {any} frame @param {Handle[]} [handles] */
  post(frame, handles) {
    const { channel } = this
    const message = this.bytes ? Buffer.from(frame) : frame
    if (handles === undefined || handles.length === 0) {
      if (channel.trySend(message)) return undefined
      return this.awaitSent(channel.send(message), this.bytes ? message.length : GUESS)
    }
    return this.awaitSent(channel.send(message, { handles }), this.bytes ? message.length : GUESS)
  }

  /** @param {any} frame @param {number} timeout */
  postSync(frame, timeout) {
    this.channel.sendSync(this.bytes ? Buffer.from(frame) : frame, { timeout })
  }

  /** @param {() => boolean} done @param {number} timeout */
  readSync(done, timeout) {
    const { core } = this
    this.spin ??= new Spin()
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
        this.spin,
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
