/**
 * Datagrams to an address whose queue is full. The kernel tells a socket that is not connected to be writable, always: to
 * wait for that would be a busy loop. So another one, of the addon's, is connected to whom the datagram is for, and that
 * is told the truth.
 */
import { setTimeout } from 'node:timers'
import native from '../load.js'
import { register, unregister, WRITABLE } from '../reactor.js'
import { numberOf } from './address.js'

/** After so many times that room was told of and there was none, it is looked for at growing intervals. */
const IN_VAIN = 4
/** Milliseconds. */
const LONGEST_PAUSE = 50

export class Room {
  /** @param {import('./core.js').SocketCore} core */
  constructor(core) {
    this.core = core
    /** Whose queue is watched. @type {string | undefined} */
    this.to = undefined
    this.id = 0
    this.token = 0
    /** @type {() => void} */
    this.again = nothing
    /** How often it was waited for since something has been sent. */
    this.inVain = 0
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
  }

  /** Something was sent. */
  progress() {
    this.inVain = 0
  }

  /**
   * A send to `to` has to wait: has its direction told when it makes sense to try again.
   * @param {string} to
   */
  await(to) {
    const { core } = this
    // Its own buffer is full: the reactor tells of room there.
    if (!native.unixSocketHasRoom(core.id)) {
      core.watchFor(WRITABLE)
      return
    }
    // A send that was refused has taken of its own buffer and given it back, of which the reactor would tell: on and on.
    core.forgetRoom()
    const inVain = this.inVain++
    if (inVain >= IN_VAIN) {
      this.pause(inVain - IN_VAIN)
      return
    }
    try {
      // It may be somebody else's queue by now, under the same name.
      if (this.to !== to || inVain > 0) this.open(to)
      else this.again()
    } catch {
      // The send itself says why; or it is this watch that there are no descriptors for.
      this.pause(0)
    }
  }

  /** @param {string} to */
  open(to) {
    this.leave()
    this.id = native.unixRoomOpen(numberOf(to))
    this.to = to
    this.core.closing.add(this.onClose)
    this.token = register(this, (reactor, token) => {
      this.again = () => native.unixRoomWatch(this.id, reactor, token)
      this.again()
    })
  }

  onReady() {
    return this.core.sending.head !== undefined && this.core.sending.onReady()
  }

  onClose = () => {
    this.leave()
  }

  leave() {
    if (this.id === 0) return
    if (this.token !== 0) unregister(this.token)
    native.unixRoomClose(this.id)
    this.core.closing.delete(this.onClose)
    this.id = 0
    this.token = 0
    this.to = undefined
    this.again = nothing
  }

  /** @param {number} before how many pauses there have been */
  pause(before) {
    if (this.timer !== undefined) return
    const resume = () => {
      this.timer = undefined
      this.onReady()
    }
    this.timer = setTimeout(resume, Math.min(LONGEST_PAUSE, 2 ** Math.min(before, 6)))
    // Whether the loop goes on is for the handle to say, not for the timer.
    this.timer.unref()
  }
}

function nothing() {}
