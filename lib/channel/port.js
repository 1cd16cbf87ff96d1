/**
 * A channel as a MessagePort: events in place of receives, and a postMessage that never waits, for programs and libraries
 * that were written for workers.
 *
 * A message goes as `send` would send it. Only what could not go that way (null, undefined, ports and handles within a
 * message) is framed: see port-frame.js. So the other side may be any end of a channel.
 */
import { getEventListeners } from 'node:events'
import { coded, illegalConstructor, invalidState, invalidThis, invalidType, tooManyPending } from '../errors.js'
import { inNextTurn } from '../reactor.js'
import { FOR_EVER } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { ChannelCore } from './core.js'
import { PortClose, PortError, PortMessage } from './port-events.js'
import { frameOf, isFrame, sortTransfer, unframe } from './port-frame.js'
import { PortRelay } from './port-relay.js'
import { takeOrSleep } from './receiving.js'
import { checkLength, Mark, parcelsOf, Send } from './sending.js'

/** One for each end. @type {WeakMap<ChannelCore, ChannelPort>} */
const ports = new WeakMap()

const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose')

const EVENTS = ['message', 'messageerror', 'close']

/** The next message, while there is somebody for it; else only the end, once there is nothing before it. */
class Next extends Operation {
  /** @param {ChannelCore} core @param {() => boolean} open */
  constructor(core, open) {
    super()
    this.core = core
    this.open = open
  }

  attempt() {
    const { core } = this
    if (!this.open() && (!core.gone || core.guard(() => core.incoming.available))) return BLOCKED
    const message = takeOrSleep(core)
    return message === BLOCKED || message === null ? message : core.envelope(message)
  }
}

/** @type {(value: any) => ChannelPort} */
let portOf

export class ChannelPort extends EventTarget {
  /** @type {ChannelCore} */
  #core
  #relay
  /** Somebody listens for messages. */
  #listened = false
  /** The event loop is to go on for what may come. */
  #wanted = false
  /** Messages that wait for room. */
  #queued = 0
  #receiving = false
  #closing = false
  /** Messages are taken out of the channel: for listeners, or for MessagePorts that went through. */
  #open = false
  /** Lets the message that nobody listens for go on. */
  #resume = () => {}
  /** What `on` has made of listeners. @type {Map<string, Map<Function, (event: any) => void>>} */
  #wrapped = new Map()
  /** Listeners that are properties. @type {Map<string, any>} */
  #own = new Map()

  /** @param {ChannelCore} core */
  constructor(core) {
    if (!(core instanceof ChannelCore)) throw illegalConstructor()
    super()
    this.#core = core
    this.#relay = new PortRelay({
      post: (to, message, transfer) => this.#relayed(() => this.#post(to, message, transfer)),
      end: (to) => this.#relayed(() => this.#send(core.codec.encode(frameOf(to)), [])),
      tell: (error) => this.#tell(error),
    })
    core.closing.add(() => {
      this.#relay.close()
      this.#resume()
    })
  }

  get closed() {
    return portOf(this).#core.closed
  }

  /** @param {unknown} message @param {unknown} [transfer] */
  postMessage(message, transfer) {
    const port = portOf(this)
    if (port.#over) return
    port.#post(0, message, sortTransfer(transfer))
  }

  /** Nobody is there to send to. */
  get #over() {
    const core = this.#core
    return this.#closing || core.closed || core.gone || core.failure !== undefined
  }

  /**
   * @param {number} to 0 for the port itself, or a MessagePort that went or came through it
   * @param {unknown} message
   * @param {ReturnType<typeof sortTransfer>} transfer
   */
  #post(to, message, transfer) {
    const core = this.#core
    const { framed, ids } = this.#relay.frame(core.facts.codec, to, message, transfer)
    const payload = core.codec.encode(framed)
    const parcels = parcelsOf(transfer.handles)
    checkLength(core, payload)
    // What the message is made of may have been code of the user's.
    if (this.#over) return
    if (core.sending.head !== undefined) this.#refuseMore(payload.byteLength)
    const adopted = transfer.ports.map((port) => structuredClone(port, { transfer: [port] }))
    for (const buffer of transfer.buffers) structuredClone(buffer, { transfer: [buffer] })
    try {
      this.#send(payload, parcels)
    } catch (error) {
      for (const port of adopted) port.close()
      throw error
    }
    adopted.forEach((port, index) => {
      this.#relay.adopt(ids[index], port)
    })
    if (adopted.length > 0) this.#judge()
  }

  /** @param {Uint8Array} payload @param {ReturnType<typeof parcelsOf>} parcels */
  #send(payload, parcels) {
    const core = this.#core
    const send = new Send(core, payload, parcels, core.codec.fresh)
    if (core.sending.head === undefined) {
      try {
        if (send.attempt() !== BLOCKED) return
      } catch (error) {
        // The port ends for this reason, and says so.
        if (core.gone || core.failure !== undefined) return
        throw error
      }
    }
    /** @type {Promise<unknown>} */
    let sent
    try {
      if (!send.begun) this.#refuseMore(payload.byteLength)
      sent = core.sending.enqueue(send, FOR_EVER)
    } catch (error) {
      throw send.failure(error)
    }
    core.queued += payload.byteLength
    this.#queued++
    this.#judge()
    sent
      .catch((error) => {
        if (!core.closed && !core.gone && core.failure === undefined) this.#tell(error)
      })
      .finally(() => {
        core.queued -= payload.byteLength
        this.#queued--
        this.#judge()
      })
  }

  /** @param {number} bytes */
  #refuseMore(bytes) {
    const core = this.#core
    if (core.waiting >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
    if (core.queued + bytes <= core.maxQueued) return
    throw coded(
      Error,
      'ERR_IPC_LIMIT',
      `As much as ${core.maxQueued} bytes wait already for the other side to receive`,
      {
        hint: 'the limit is the maxQueued of the channel',
      },
    )
  }

  /** What comes from a MessagePort is posted by nobody who could be told. @param {() => void} post */
  #relayed(post) {
    if (this.#over) return
    try {
      post()
    } catch (error) {
      this.#tell(error)
    }
  }

  start() {
    const port = portOf(this)
    if (!port.#core.closed) port.#judge()
  }

  close() {
    const port = portOf(this)
    const core = port.#core
    if (core.closed || port.#closing) return
    port.#closing = true
    if (core.sending.head === undefined) {
      core.close()
      return
    }
    // What was posted before goes before.
    const close = () => core.close()
    core.sending.submit(new Mark(core), FOR_EVER).then(close, close)
  }

  [dispose]() {
    this.close()
  }

  ref() {
    return portOf(this).#want(true)
  }

  unref() {
    return portOf(this).#want(false)
  }

  hasRef() {
    const port = portOf(this)
    return port.#wanted && !port.#core.closed
  }

  /** @param {boolean} on */
  #want(on) {
    this.#wanted = on
    this.#judge()
    return this
  }

  /** @param {string} type @param {any} listener @param {any} [options] */
  addEventListener(type, listener, options) {
    const port = portOf(this)
    super.addEventListener(type, listener, options)
    port.#judge()
    const signal = options?.signal
    if (signal) signal.addEventListener('abort', () => port.#judge(), { once: true })
  }

  /** @param {string} type @param {any} listener @param {any} [options] */
  removeEventListener(type, listener, options) {
    const port = portOf(this)
    super.removeEventListener(type, listener, options)
    port.#judge()
  }

  /** @param {string} type @param {(value: any) => void} listener */
  on(type, listener) {
    return portOf(this).#listen(type, listener, false)
  }

  /** @param {string} type @param {(value: any) => void} listener */
  once(type, listener) {
    return portOf(this).#listen(type, listener, true)
  }

  /** @param {string} type @param {(value: any) => void} listener */
  off(type, listener) {
    const port = portOf(this)
    const wrapper = port.#wrapped.get(type)?.get(listener)
    port.#wrapped.get(type)?.delete(listener)
    this.removeEventListener(type, wrapper ?? listener)
    return this
  }

  /** @param {string} type @param {(value: any) => void} listener @param {boolean} once */
  #listen(type, listener, once) {
    if (typeof listener !== 'function') throw invalidType('listener', 'of type function', listener)
    let wrapped = this.#wrapped.get(type)
    if (wrapped === undefined) {
      wrapped = new Map()
      this.#wrapped.set(type, wrapped)
    }
    const known = wrapped.get(listener)
    const wrapper =
      known ??
      ((/** @type {any} */ event) => {
        if (once) wrapped.delete(listener)
        listener.call(this, type === 'close' ? event.error : event.data)
      })
    wrapped.set(listener, wrapper)
    this.addEventListener(type, wrapper, { once })
    return this
  }

  get onmessage() {
    return portOf(this).#own.get('message') ?? null
  }

  set onmessage(listener) {
    portOf(this).#set('message', listener)
  }

  get onmessageerror() {
    return portOf(this).#own.get('messageerror') ?? null
  }

  set onmessageerror(listener) {
    portOf(this).#set('messageerror', listener)
  }

  get onclose() {
    return portOf(this).#own.get('close') ?? null
  }

  set onclose(listener) {
    portOf(this).#set('close', listener)
  }

  /** @param {string} type @param {any} listener */
  #set(type, listener) {
    const before = this.#own.get(type)
    if (before !== undefined) this.removeEventListener(type, before)
    this.#own.delete(type)
    if (typeof listener !== 'function') return
    this.#own.set(type, listener)
    this.addEventListener(type, listener)
  }

  /** What follows from who listens and what waits. */
  #judge() {
    const core = this.#core
    if (core.closed) return
    const listened = getEventListeners(this, 'message').length > 0
    if (listened !== this.#listened) {
      this.#listened = listened
      this.#wanted = listened
      if (listened) this.#resume()
    }
    const relaying = this.#relay.size > 0
    const wasOpen = this.#open
    this.#open = listened || relaying
    if (this.#open && !wasOpen && this.#receiving) inNextTurn(core.receiving)
    core.reference(this.#wanted || this.#queued > 0)
    if (this.#receiving) return
    if (!relaying && !EVENTS.some((type) => getEventListeners(this, type).length > 0)) return
    this.#receiving = true
    this.#receive()
  }

  async #receive() {
    const core = this.#core
    const open = () => this.#open && !this.#closing
    let error
    try {
      // Whoever has just begun to listen is not called before he has done so.
      await undefined
      while (!core.closed) {
        const envelope = await core.submit(new Next(core, open), FOR_EVER)
        if (envelope === null) break
        const framed = isFrame(envelope.message) ? this.#unframe(envelope) : undefined
        if (framed === null) continue
        if (framed?.to) {
          this.#relay.pass(framed)
          this.#judge()
          continue
        }
        if (!this.#listened) {
          await new Promise((resolve) => {
            this.#resume = () => resolve(undefined)
          })
        }
        if (!core.closed && !this.#closing) this.#deliver(envelope, framed)
        else for (const handle of framed?.handles ?? []) handle.close()
      }
    } catch (failure) {
      if (!core.closed) error = failure
    }
    this.#end(error)
  }

  /** What a frame says; null if it cannot be delivered. @param {import('./envelope.js').Envelope<any>} envelope */
  #unframe(envelope) {
    try {
      return unframe(envelope.message, (ids) => this.#relay.accept(ids), envelope)
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'ERR_IPC_CORRUPT') throw this.#core.broke(error)
      this.#tell(error)
      return null
    }
  }

  /** @param {import('./envelope.js').Envelope<unknown>} envelope @param {ReturnType<typeof unframe> | undefined} framed */
  #deliver(envelope, framed) {
    const event =
      framed === undefined
        ? new PortMessage(envelope.message, [], () => envelope.takeHandles())
        : new PortMessage(framed.message, framed.ports, framed.handles)
    this.dispatchEvent(event)
    event.over()
    // Handles that nobody took.
    Reflect.get(envelope, dispose).call(envelope)
    this.#judge()
  }

  /** A message is lost. @param {unknown} error */
  #tell(error) {
    this.dispatchEvent(new PortError(error))
  }

  /** @param {unknown} error */
  #end(error) {
    this.#core.close()
    if (error !== undefined) this.#tell(error)
    this.dispatchEvent(new PortClose(error))
  }

  static {
    // As those have it who remove what `once` has added.
    const { prototype } = ChannelPort
    Object.defineProperty(prototype, 'addListener', { value: prototype.on, configurable: true, writable: true })
    Object.defineProperty(prototype, 'removeListener', { value: prototype.off, configurable: true, writable: true })
    portOf = (value) => {
      if (value === null || typeof value !== 'object' || !(#core in value)) throw invalidThis('a ChannelPort')
      return value
    }
  }
}

/**
 * The port of a channel, which nothing else uses from then on.
 * @param {ChannelCore} core
 */
export function portFor(core) {
  const known = ports.get(core)
  if (known !== undefined) return known
  core.ready()
  if (core.receiving.head !== undefined || core.making.head !== undefined || core.borrowed || core.reserved) {
    throw invalidState('The channel is in use: it becomes a port only while nothing waits to be received or is lent')
  }
  const port = new ChannelPort(core)
  ports.set(core, port)
  core.lentTo = 'a port'
  core.judge()
  core.reference(false)
  return port
}
