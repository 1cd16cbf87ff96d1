/**
 * What stands behind an end of a channel: its memory, its control line, who waits, and how it ended.
 */
import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { coded, notSupported, timedOut } from '../errors.js'
import { Core } from '../handle.js'
import native from '../load.js'
import { inNextTurn, WRITABLE } from '../reactor.js'
import { BLOCKED, Direction } from '../wait/direction.js'
import { codecs } from './codec.js'
import { closeAll } from './control.js'
import { Envelope } from './envelope.js'
import { factsOf } from './facts.js'
import { Incoming } from './incoming.js'
import { CLOSED, STATES } from './layout.js'
import { Outgoing } from './outgoing.js'
import { Patience } from './patience.js'
import { Spin } from './spin.js'
import { Travelling } from './travelling.js'

/** @typedef {import('./control.js').Control} Control */

/** How many messages a program may take at once, without a turn of the event loop between. */
export const CREDITS = 512
/** Milliseconds that a blocking call sleeps at once. */
const SLICE = 100
/** Attempts of a blocking call in vain, between two sleeps: a message may come in pieces, or rubbish without end. */
const TRIES = 64
/**
 * Times that the other side may be asked to ring before the bell is emptied: it rings once or twice for each, and has to find
 * the second page of the pipe free.
 */
const UNHUSHED = 1024
// What has ended it: see src/channel.rs.
const BELL = 1
const LINE = 2

const opened = diagnosticsChannel('os-ipc:channel:open')
const closed = diagnosticsChannel('os-ipc:channel:close')
const corrupted = diagnosticsChannel('os-ipc:channel:corrupt')

/** Memory that nobody can have the address of any more. @type {FinalizationRegistry<number>} */
const forgotten = new FinalizationRegistry((shown) => native.sharedMemoryForget(shown))

/** @typedef {{ buffer: ArrayBuffer, shown: number }} Shown */

/**
 * How an end goes: whether it says so although it was never attached, or nothing at all since another process has it; the other
 * end of a pair, which needs this one's control line if it goes to another process too; who counts the ends that are open;
 * and what was shown of the memory.
 * @typedef {object} Parting
 * @property {boolean} announce
 * @property {boolean} moved
 * @property {WeakRef<ChannelCore> | undefined} sibling
 * @property {(() => void) | undefined} departed
 * @property {Shown[]} views
 */

export class ChannelCore extends Core {
  /**
   * @param {import('../../native.js').ChannelFacts} facts
   * @param {Control} control
   * @param {{ unbounded: boolean, maxQueued: number }} own
   */
  constructor(facts, control, { unbounded, maxQueued }) {
    /** @type {Parting} */
    const parting = { announce: false, moved: false, sibling: undefined, departed: undefined, views: [] }
    super(facts.id, control.fd, closingBy(parting, control))
    this.parting = parting
    /** Leaves what another process needs where that can find it: of an end that nobody has used yet. @type {(() => void) | undefined} */
    this.provide = undefined
    this.facts = factsOf(facts)
    this.codec = codecs[this.facts.codec]
    this.control = control
    this.unbounded = unbounded
    this.maxQueued = maxQueued
    if (unbounded) this.pendingLimit = Number.MAX_SAFE_INTEGER
    /** Bytes that this process holds, since the ring has no room for them. */
    this.queued = 0
    this.receiving = new Direction(this, () => {})
    this.sending = new Direction(this, () => {})
    this.flushing = new Direction(this, () => {})
    /** Whoever has reserved room that is not there yet. */
    this.making = new Direction(this, () => {})
    this.directions.push(this.receiving, this.sending, this.flushing, this.making)
    const received = () => this.incoming.bytesReceived / (this.incoming.received + 1)
    const sent = () => this.outgoing.bytesSent / (this.outgoing.sent + 1)
    this.patience = {
      receiving: new Patience(this.receiving, received),
      sending: new Patience(this.sending, sent),
      making: new Patience(this.making, sent),
    }
    this.spin = new Spin()
    /** Whether a blocking receive that has found nothing had better look again. */
    this.stirs = () => this.incoming.stirs()
    /** The thread itself is going to wait. */
    this.blocking = false
    // Both come with `attach`, and nothing asks for them before `ready`.
    this.attached = false
    /** @type {Incoming} */
    this.incoming = /** @type {any} */ (undefined)
    /** @type {Outgoing} */
    this.outgoing = /** @type {any} */ (undefined)
    /** Messages with handles that have not been taken. @type {Travelling} */
    this.travelling = /** @type {any} */ (undefined)
    /** Each ring alone, for what is lent. @type {Array<ArrayBuffer | undefined>} */
    this.lent = [undefined, undefined]
    /** The other side has hung up. */
    this.gone = false
    /** It has broken the format: every call fails with this from then on. @type {Error | undefined} */
    this.failure = undefined
    /** Plain messages may be written and read without another look. */
    this.putsFast = false
    this.sendsFast = false
    this.receivesFast = false
    this.lendsPlainly = false
    /** Whether the loop itself tells of the bell, so that it need not be emptied. */
    this.hearing = { express: false }
    // The reactor does not keep them.
    this.bell = { onReady: () => this.onBell(), express: expressing(facts.id, this.hearing) }
    this.line = { onReady: /** @param {number} events */ (events) => this.onControl(events) }
    this.credits = CREDITS
    this.sequence = 0
    this.wakeups = 0
    /** How often the other side had been asked to ring when the bell was emptied. */
    this.hushed = 0
    this.unsent = 0
    /** Somebody has a message's memory itself. */
    this.borrowed = false
    /** Room in the ring has been given away. */
    this.reserved = false
    this.looks = 0
    /** A message that was put together and did not fit where it was wanted. @type {Buffer | undefined} */
    this.stashed = undefined
    /** The other side is of this user, and `known` to be. */
    this.trusted = false
    /** @type {Control['peer']} */
    this.known = null
    this.ownUid = process.getuid?.()
    this.closing.add(() => this.goAway())
  }

  /** Throws unless messages can be sent and received; attaches at the first time. */
  ready() {
    this.check()
    if (this.failure !== undefined) throw this.failure
    if (this.attached) return
    this.attach()
    // Whoever was told of it may have closed it.
    this.check()
  }

  /** Maps the memory, and says hello. */
  attach() {
    const { id, facts, control } = this
    const memory = this.show(native.channelAttach(id))
    const ring = () => native.channelRing(id)
    const { read, decode } = this.codec
    /** @param {number} sequence */
    const drop = (sequence) => closeAll(control.supply(sequence).fds)
    this.incoming = new Incoming(memory, facts, { ring, read, decode, drop })
    this.outgoing = new Outgoing(memory, facts, ring)
    this.travelling = new Travelling(this.outgoing)
    this.attached = true
    this.watch(this.bell, (reactor, token) => native.channelWatch(id, reactor, token))
    this.watch(this.line, (reactor, token) => control.watch(reactor, token))
    try {
      control.send('H', { version: 1 })
    } catch {
      // Nobody is there to be greeted; the hang-up says so.
    }
    this.judge()
    if (opened.hasSubscribers) opened.publish({ fd: this.fd, side: facts.side })
  }

  /** What may be done without another look. */
  judge() {
    const { facts } = this
    const usable = this.attached && this.id !== 0 && this.failure === undefined && this.lentTo === undefined
    this.putsFast = usable && !this.gone && !this.reserved && !facts.rendezvous
    this.sendsFast = this.putsFast && facts.codec === 'bytes'
    this.lendsPlainly = this.trusted && facts.codec === 'bytes' && !facts.checksum
    this.receivesFast =
      usable && !this.borrowed && this.stashed === undefined && (facts.codec !== 'structured' || this.trusted)
  }

  /** Rung by the other side. */
  onBell() {
    if (this.id === 0) return false
    this.wakeups++
    const empties = !this.hearing.express || this.incoming.waits + this.outgoing.waits - this.hushed > UNHUSHED
    if (empties && !this.silence()) return true
    this.credits = CREDITS
    if (this.serve()) return true
    if (empties) return false
    // Rung without a reason, maybe until it was full: then it could not ring again.
    return this.silence() ? this.serve() : true
  }

  /** Empties the bell, or gives the channel up: one that cannot be emptied may not ring again. */
  silence() {
    try {
      this.hush()
      return true
    } catch (error) {
      this.poison(error)
      return false
    }
  }

  /** @param {number} events */
  onControl(events) {
    if (this.id === 0 || this.failure !== undefined) return false
    this.listen()
    return (events & WRITABLE) !== 0 || this.gone ? this.serve() : false
  }

  /** Takes what has come on the control line. */
  listen() {
    if (this.gone || this.failure !== undefined || this.id === 0) return
    try {
      this.gone = this.control.poll()
    } catch (error) {
      // The kernel is short of memory, which is no fault of the other side's: what has come is there still.
      const { code } = /** @type {any} */ (error)
      if (code !== 'ENOMEM' && code !== 'ENOBUFS') this.poison(error)
      return
    }
    const { peer } = this.control
    if (!this.gone && peer === this.known) return
    // An end may have moved to another process, of somebody else.
    this.known = peer
    this.trusted = peer !== null && peer.uid === this.ownUid
    this.judge()
  }

  /** Who is at the other end, if that is another user. Before it has said hello nobody is, and nothing was sent. */
  get stranger() {
    if (this.trusted) return undefined
    this.listen()
    // It may have said who it is, and rubbish after that.
    if (this.failure !== undefined) throw this.failure
    return this.trusted ? undefined : (this.control.peer ?? undefined)
  }

  /** Whoever waits for something that can be done by now. */
  serve() {
    const received = this.receiving.onReady()
    const sent = this.sending.onReady()
    const made = this.making.onReady()
    return this.flushing.onReady() || received || sent || made
  }

  /**
   * Runs what looks into the memory. What the other side has written there cannot be: then nothing more is believed.
   * @template T
   * @param {() => T} body
   * @returns {T}
   */
  guard(body) {
    try {
      return body()
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'ERR_IPC_CORRUPT') this.poison(error)
      throw error
    }
  }

  /** @param {any} error */
  poison(error) {
    if (this.failure !== undefined || this.id === 0) return
    this.failure = error
    this.judge()
    for (const direction of this.directions) {
      // Whoever holds a reservation keeps its place, and gives it up himself.
      for (let operation = direction.head, next; operation !== undefined; operation = next) {
        next = operation.next
        if (operation.direction === direction) direction.fail(operation, error)
      }
    }
    // The other side sees a hang-up. The number stays this handle's until it is closed.
    this.control.hangUp()
    if (corrupted.hasSubscribers) corrupted.publish({ fd: this.fd, error })
  }

  /** @param {Buffer} message */
  stash(message) {
    this.stashed = message
    this.judge()
  }

  unstash() {
    const message = this.stashed
    this.stashed = undefined
    this.judge()
    return message
  }

  /** The handles of the message that was taken last are not wanted. */
  dropHandles() {
    const announced = this.incoming.handles
    if (announced === undefined || announced.pending) return
    this.incoming.handles = undefined
    this.guard(() => closeAll(this.control.supply(announced.sequence).fds))
  }

  /** The message that was taken last, with its handles. @param {unknown} message */
  envelope(message) {
    const announced = this.incoming.handles
    if (announced === undefined || announced.pending) return new Envelope(message, undefined)
    this.incoming.handles = undefined
    return new Envelope(
      message,
      this.guard(() => this.control.supply(announced.sequence)),
    )
  }

  /**
   * Waits for the end of an operation, or gives it its turn in the next turn of the event loop: a flood is not to starve
   * whatever else there is.
   * @param {import('../wait/direction.js').Operation} operation
   * @param {import('../validate.js').Wait} wait
   */
  submit(operation, wait) {
    const { signal } = wait
    if (signal !== undefined) {
      if (signal.aborted) return Promise.reject(signal.reason)
      // A signal of the user's own making may have closed it.
      this.check()
    }
    if (this.credits > 0 || wait.timeout === 0) {
      this.credits--
      if (this.receiving.head === undefined) {
        const result = operation.attempt()
        if (result !== BLOCKED) return Promise.resolve(result)
        this.credits = CREDITS
      }
      if (wait.timeout === 0) return this.receiving.submit(operation, wait)
      return this.receiving.enqueue(operation, wait)
    }
    this.credits = CREDITS
    inNextTurn(this.receiving)
    return this.receiving.enqueue(operation, wait)
  }

  /**
   * Whether who has found nothing is looked after in the next turns of the event loop. If not, he has the other side ring.
   * In a rendezvous that side wants to know whether anybody waits.
   * @param {'receiving' | 'sending' | 'making'} name
   */
  isPatient(name) {
    return !this.blocking && !this.facts.rendezvous && !this.gone && this.patience[name].lasts()
  }

  /** Whether a receive that has found nothing may wait from here on: it is told when there is more. */
  rests() {
    if (this.incoming.tired) {
      inNextTurn(this.receiving)
      return true
    }
    return this.isPatient('receiving') || this.incoming.sleep()
  }

  /** Whether an empty channel may be taken for quiet without asking the kernel, which is done now and then. */
  quiet() {
    return (++this.looks & 1023) !== 0
  }

  /** What becomes of an error of the plain ways. @param {any} error */
  broke(error) {
    if (error?.code === 'ERR_IPC_CORRUPT') this.poison(error)
    return error
  }

  /**
   * @template T
   * @param {() => T | typeof BLOCKED} attempt
   * @param {number} timeout
   * @param {import('./spin.js').Spin} spin
   * @param {() => boolean} stirs whether it makes sense to try again: asked over and over
   * @param {boolean} [looked] whether it has been, in vain
   * @returns {T}
   */
  blockUntil(attempt, timeout, spin, stirs, looked = false) {
    let result = attempt()
    if (result !== BLOCKED) return /** @type {T} */ (result)
    // The clock takes longer than a message.
    const deadline = timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + timeout
    for (let first = looked ? TRIES : 0; ; first = 0) {
      for (let tries = first; tries < TRIES && spin.until(stirs); tries++) {
        result = attempt()
        if (result !== BLOCKED) return /** @type {T} */ (result)
        if (deadline !== Number.POSITIVE_INFINITY && performance.now() >= deadline) break
      }
      const left = deadline === Number.POSITIVE_INFINITY ? deadline : deadline - performance.now()
      if (left <= 0) {
        // Whoever only ever looks like this is to learn of a hang-up too.
        this.listen()
        result = attempt()
        if (result !== BLOCKED) return /** @type {T} */ (result)
        throw timedOut()
      }
      // Whoever makes a difference rings; and once more, for it may have been made meanwhile.
      this.incoming.sleep()
      const { head } = this.incoming
      result = attempt()
      if (result !== BLOCKED) return /** @type {T} */ (result)
      // Of a long message a part was taken: there may be more.
      if (this.incoming.head !== head) continue
      this.block(left < SLICE ? Math.ceil(left) : SLICE)
      result = attempt()
      if (result !== BLOCKED) return /** @type {T} */ (result)
      // Rung without a reason, maybe until it was full: then it could not ring again.
      this.hush()
    }
  }

  /** Empties the bell, which rings once for each time that the other side was asked to. */
  hush() {
    this.hushed = this.incoming.waits + this.outgoing.waits
    native.channelHush(this.id)
  }

  /** Blocks this thread until something may have happened, for at most so many milliseconds. @param {number} milliseconds */
  block(milliseconds) {
    // What a blocking call hears stays in the bell.
    if (this.incoming.waits + this.outgoing.waits - this.hushed > UNHUSHED) this.hush()
    const woken = native.channelBlock(this.id, this.control.fd, milliseconds)
    if ((woken & BELL) !== 0) this.wakeups++
    if ((woken & LINE) !== 0) this.listen()
  }

  /** After a blocking call: a bell that it has heard may have been for others. */
  passOn() {
    for (const direction of this.directions) if (direction.head !== undefined) inNextTurn(direction)
  }

  /** Whether the other side has said that it sends no more. */
  get peerClosed() {
    const { incoming, facts } = this
    return this.attached && (Atomics.load(incoming.words, STATES[1 - facts.side]) & CLOSED) !== 0
  }

  /** What the stream has come to: null, or the death of the other side. @returns {null} */
  outcome() {
    // Descriptors of messages that never came: the other ends of what they are would wait for whoever has them.
    this.control.drop()
    if (this.peerClosed) return null
    throw peerDied()
  }

  /** Why nothing can be sent any more. */
  broken() {
    return this.peerClosed ? brokenPipe() : peerDied()
  }

  /**
   * Sends a frame on the control line. Throws what has become of the other side, if it has gone.
   * @param {string} letter
   * @param {Record<string, unknown>} body
   * @param {number[]} [fds] which stay the caller's
   * @returns {boolean} whether there was room
   */
  sendFrame(letter, body, fds) {
    try {
      return this.control.send(letter, body, fds)
    } catch (error) {
      this.listen()
      if (this.gone) throw this.broken()
      throw error
    }
  }

  /** One ring alone, for what is lent to the program. @param {number} number */
  lend(number) {
    const known = this.lent[number]
    if (known !== undefined && known.byteLength !== 0) return known
    const memory = this.show(native.channelLend(this.id, number))
    this.lent[number] = memory
    return memory
  }

  /** @param {any} made @returns {ArrayBuffer} */
  show(made) {
    if (made === null || made === undefined)
      throw notSupported('This runtime has no buffers over memory of another kind')
    forgotten.register(made.buffer, made.shown)
    this.parting.views.push(made)
    return made.buffer
  }

  /** The memory goes; what only this process had is lost. */
  goAway() {
    if (this.attached) this.incoming.leave()
    this.putsFast = false
    this.sendsFast = false
    this.receivesFast = false
    if (closed.hasSubscribers) closed.publish({ fd: this.fd, unsent: this.unsent })
  }
}

/**
 * How the loop itself is asked to tell of the bell. It may not lead back to the core either.
 * @param {number} id
 * @param {{ express: boolean }} hearing
 * @returns {import('../reactor.js').Source['express']}
 */
function expressing(id, hearing) {
  return (reactor, token, on) => {
    try {
      hearing.express = native.channelExpress(id, reactor, token, on) && on
    } catch {
      // There is no room for it, or the channel has gone.
      hearing.express = false
    }
    return hearing.express
  }
}

/**
 * Nothing of this may lead back to the core, as what is made within its constructor does: a handle that is forgotten is closed
 * by it.
 * @param {Parting} parting
 * @param {Control} control
 * @returns {import('../handle.js').Native}
 */
function closingBy(parting, control) {
  return {
    close(id) {
      try {
        if (parting.moved || !parting.announce) parting.sibling?.deref()?.provide?.()
      } finally {
        depart(id, parting, control)
      }
    },
  }
}

/** @param {number} id @param {Parting} parting @param {Control} control */
function depart(id, parting, control) {
  try {
    // Says in the memory that this side has closed, so before that goes and before the control line hangs up.
    if (parting.moved) native.channelLeave(id)
    else native.channelClose(id, parting.announce)
  } finally {
    parting.departed?.()
    control.close()
    // Last, as it takes memory, which there may be none of.
    for (const { shown, buffer } of parting.views) native.sharedMemoryRevoke(shown, buffer)
  }
}

function peerDied() {
  return coded(Error, 'ERR_IPC_PEER_DIED', 'The other side of the channel died without closing it')
}

function brokenPipe() {
  return coded(Error, 'EPIPE', 'EPIPE: the other side has closed the channel')
}
