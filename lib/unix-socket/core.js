/**
 * What stands behind a socket's handle: who waits for messages, and for room.
 */
import { Core, coresOf } from '../handle.js'
import native from '../load.js'
import { READABLE, WRITABLE } from '../reactor.js'
import { Direction } from '../wait/direction.js'
import { Room } from './room.js'
import { share } from './words.js'

/** @typedef {import('../../native.js').UnixSocketFacts} Facts */
/** @typedef {import('./message.js').Credentials} Credentials */

/** By the addon's numbers. @type {ReadonlyArray<'stream' | 'datagram' | 'seqpacket'>} */
export const TYPES = ['stream', 'datagram', 'seqpacket']

const NATIVE = { close: native.unixSocketClose, detach: native.unixSocketDetach }

/** How much room a message gets at first, alone and among many. */
const ROOM = 64 * 1024
const SLOT = 1024

export class SocketCore extends Core {
  /** @param {Facts} facts */
  constructor(facts) {
    super(facts.id, facts.fd, NATIVE)
    share()
    this.type = TYPES[facts.kind]
    this.isStream = this.type === 'stream'
    this.isDatagram = this.type === 'datagram'
    this.room = ROOM
    this.slot = SLOT
    /** The other side sends no more. */
    this.ended = false
    /** Nor does it take any more. */
    this.gone = false
    /** Datagrams that have come are taken still, but none will. */
    this.readingShut = false
    /** What this side has been told, but not its callers: taken together with something that failed. @type {unknown[]} */
    this.stash = []
    /** Who has sent the last message. @type {Credentials | null} */
    this.sender = null
    /** Where a connection's other end can be found, once somebody has asked. @type {string | null | undefined} */
    this.peerAddress = undefined
    /** What the reactor tells of. */
    this.interest = 0
    /** @type {(interest: number) => void} */
    this.changeInterest = unwatched
    this.receiving = new Direction(this, () => this.watchFor(READABLE))
    this.sending = new Direction(this, () => this.watchFor(WRITABLE))
    /** Where datagrams wait for room in somebody's queue. */
    this.elsewhere = new Room(this)
    this.directions.push(this.receiving, this.sending)
  }

  /**
   * One descriptor can be watched once. Not for room where nobody waits for it: each message that the other side takes
   * would tell of some.
   * @param {number} direction
   */
  watchFor(direction) {
    const interest = this.interest | direction
    if (interest === this.interest) return
    if (this.changeInterest !== unwatched) {
      this.changeInterest(interest)
    } else {
      this.watch(this, (reactor, token) => {
        native.unixSocketWatch(this.id, reactor, token, interest)
        this.changeInterest = (wanted) => native.unixSocketWatch(this.id, reactor, token, wanted)
      })
    }
    this.interest = interest
  }

  /** @param {number} events */
  onReady(events) {
    // Nobody has asked for room: this is a hang-up, and not only the end of what comes.
    if ((events & ~this.interest & WRITABLE) !== 0) this.gone = true
    const received = (events & READABLE) !== 0 && this.receiving.onReady(events)
    // The receives may have closed the handle, or whoever was waiting for them.
    if (this.closed || (events & this.interest & WRITABLE) === 0) return received
    const { sending } = this
    if (sending.head !== undefined) return sending.onReady(events) || received
    sending.ready = true
    this.forgetRoom()
    return received
  }

  /** Nobody waits for room of this socket's own. */
  forgetRoom() {
    this.sending.watch = () => this.watchFor(WRITABLE)
    if ((this.interest & WRITABLE) === 0) return
    this.interest &= ~WRITABLE
    this.changeInterest(this.interest)
  }

  /** Sending fails from here on. The reactor does not tell of that, while what was sent has not been read. */
  sendsNoMore() {
    this.sending.hungUp = true
    queueMicrotask(() => this.sending.onReady())
  }

  /** This side wants no more datagrams. */
  shut() {
    this.readingShut = true
    this.receiving.onReady()
  }
}

function unwatched() {}

export const socketOf = coresOf(SocketCore, 'a UnixSocket')
