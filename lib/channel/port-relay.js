/**
 * MessagePorts that went through a channel: one end stays in each process, and what is posted to it goes on by the channel.
 * That is how a worker's library passes callbacks: as ports.
 */
import { MessageChannel } from 'node:worker_threads'
import { coded } from '../errors.js'
import { framedFor } from './port-frame.js'
import { corrupt } from './ring.js'

/** @typedef {import('node:worker_threads').MessagePort} MessagePort */
/** @typedef {import('./port-frame.js').Transfer} Transfer */
/** @typedef {import('../handle.js').Handle} Handle */

const MOST = 65_536

/** @param {MessagePort[]} ports @returns {Transfer} */
const onlyPorts = (ports) => ({ ports, handles: [], buffers: [] })

export class PortRelay {
  /** Our ends: under a number of this side's if the port went, less than 0 if it came. @type {Map<number, MessagePort>} */
  #open = new Map()
  #last = 0
  #how

  /** @param {{ post: (to: number, message: unknown, transfer: Transfer) => void, end: (to: number) => void, tell: (error: unknown) => void }} how */
  constructor(how) {
    this.#how = how
  }

  get size() {
    return this.#open.size
  }

  /**
   * @param {'bytes' | 'json' | 'structured'} codec
   * @param {number} to
   * @param {unknown} message
   * @param {Transfer} transfer
   */
  frame(codec, to, message, transfer) {
    const { ports } = transfer
    if (this.#open.size + ports.length > MOST) {
      throw coded(Error, 'ERR_IPC_LIMIT', `As many as ${MOST} MessagePorts have gone through this port and are open`)
    }
    const ids = ports.map(() => ++this.#last)
    return { framed: framedFor(codec, to, message, transfer, ids), ids }
  }

  /** @param {number} key @param {MessagePort} port */
  adopt(key, port) {
    this.#open.set(key, port)
    const { post, end, tell } = this.#how
    // By what a MessagePort has on every runtime.
    /** @type {any} */
    const target = port
    target.addEventListener('message', (/** @type {any} */ { data, ports }) => post(key, data, onlyPorts([...ports])))
    target.addEventListener('messageerror', (/** @type {any} */ { data }) => tell(data))
    target.addEventListener('close', () => {
      if (this.#open.delete(key)) end(key)
    })
    target.start()
    // Who listens at the other end of it keeps the event loop alive.
    target.unref?.()
  }

  /** The ends for this process's program of those that have come. @param {number[]} ids */
  accept(ids) {
    if (this.#open.size + ids.length > MOST) throw corrupt('more ports than there may be')
    if (new Set(ids).size < ids.length || ids.some((id) => this.#open.has(-id)))
      throw corrupt('a port that is there already')
    return ids.map((id) => {
      const { port1, port2 } = new MessageChannel()
      this.adopt(-id, port2)
      return port1
    })
  }

  /** @param {{ to: number, message: unknown, ends: boolean, ports: MessagePort[], handles: Handle[] }} framed */
  pass({ to, message, ends, ports, handles }) {
    // Nothing but ports goes through a MessagePort.
    for (const handle of handles) handle.close()
    const key = -to
    const port = this.#open.get(key)
    if (port === undefined) {
      // Closed here, and the other side has not heard of that yet.
      for (const each of ports) each.close()
    } else if (ends) {
      this.#open.delete(key)
      port.close()
    } else {
      port.postMessage(message, ports)
    }
  }

  close() {
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const port of open) port.close()
  }
}
