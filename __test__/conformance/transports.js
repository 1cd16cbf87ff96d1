/**
 * The transports that the conformance suite runs over, a row each. What a row says of itself decides which promises are
 * asked of it.
 *
 * Signals and processes are none: a signal carries one integer and no bytes, has no end to be handed over, and comes to every
 * receiver; a process ends once. Nor are endpoints, of which a process has one, for sending and receiving alike. What they
 * promise is in specs of their own and in the faults.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Channel, Fifo, PosixMessageQueue, pipe, SysvMessageQueue, Topic, UnixSocket } from '../../index.js'

/**
 * @typedef {object} Transport
 * @property {string} name
 * @property {boolean} boundaries what is sent by one call is received by one call
 * @property {boolean} ends a receive gives null once every sender is gone
 * @property {number} largest the most bytes of one message
 * @property {boolean} [shared] handing it over leaves it here too
 * @property {boolean} [exclusive] there is one handle of each end
 * @property {boolean} [tellsDeath] a sender that was killed has not ended the stream
 * @property {boolean} [numberless] it has no descriptor
 * @property {boolean} [stays] a receiver cannot be handed over
 * @property {(handle: any) => any} [sends] what has other names for sending, with these
 * @property {boolean} empty whether a message of no bytes can be sent and received
 * @property {(message: any) => Buffer} data the bytes of what a receive gives
 * @property {() => Promise<{ sender: any, receiver: any }>} open both ends, in this process; each can be handed over
 */

const PACKET = 4096
/** The kernel doubles it, and needs 32 bytes of it for a message. */
const SEND_BUFFER = 65_536

/** System V queues, which stay until somebody removes them. @type {number[]} */
const made = []
process.once('exit', () => {
  for (const id of made) SysvMessageQueue.fromId(id).remove()
})

let topics = 0

/** @param {Topic} topic */
function publishing(topic) {
  return Object.assign(topic, { send: topic.publish, trySend: topic.tryPublish, sendSync: topic.publishSync })
}

/** @type {Transport[]} */
export const transports = [
  {
    name: 'channel',
    exclusive: true,
    tellsDeath: true,
    boundaries: true,
    ends: true,
    largest: 16 * 1024 * 1024,
    empty: true,
    data: (message) => message,
    async open() {
      const [sender, receiver] = Channel.pair({ capacity: 65_536 })
      return { sender, receiver }
    },
  },
  {
    name: 'topic',
    exclusive: true,
    numberless: true,
    stays: true,
    boundaries: true,
    ends: false,
    largest: 65_528,
    empty: true,
    data: (message) => message,
    sends: publishing,
    async open() {
      const path = join(tmpdir(), `os-ipc-spec-topic-${process.pid}-${++topics}`)
      try {
        const sender = Topic.open(path, { capacity: 65_536 })
        return { sender: publishing(sender), receiver: await sender.subscribe() }
      } finally {
        rmSync(path)
      }
    },
  },
  {
    name: 'pipe',
    boundaries: false,
    ends: true,
    largest: Number.POSITIVE_INFINITY,
    empty: false,
    data: (message) => message,
    async open() {
      const { reader, writer } = pipe()
      return { sender: writer, receiver: reader }
    },
  },
  {
    name: 'pipe with packets',
    boundaries: true,
    ends: true,
    largest: PACKET,
    empty: false,
    data: (message) => message,
    async open() {
      const { reader, writer } = pipe({ packet: true })
      return { sender: writer, receiver: reader }
    },
  },
  {
    name: 'FIFO',
    boundaries: false,
    ends: true,
    largest: Number.POSITIVE_INFINITY,
    empty: false,
    data: (message) => message,
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
      try {
        const fifo = Fifo.create(join(folder, 'fifo'))
        const [receiver, sender] = await Promise.all([fifo.openReader(), fifo.openWriter()])
        return { sender, receiver }
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  },
  {
    name: 'POSIX queue',
    boundaries: true,
    ends: false,
    largest: 4096,
    empty: true,
    shared: true,
    data: ({ data }) => data,
    async open() {
      const sender = PosixMessageQueue.open(null, { create: true, maxMessages: 4, maxMessageSize: 4096 })
      sender.unlink()
      return { sender, receiver: sender.dup() }
    },
  },
  {
    name: 'System V queue',
    boundaries: true,
    ends: false,
    largest: 8192,
    empty: true,
    shared: true,
    numberless: true,
    data: ({ data }) => data,
    async open() {
      const sender = SysvMessageQueue.open('private')
      made.push(sender.id)
      return { sender, receiver: sender.dup() }
    },
  },
  {
    name: 'stream socket',
    boundaries: false,
    ends: true,
    largest: Number.POSITIVE_INFINITY,
    empty: false,
    shared: true,
    data: ({ data }) => data,
    async open() {
      const [sender, receiver] = UnixSocket.pair('stream')
      return { sender, receiver }
    },
  },
  {
    name: 'seqpacket socket',
    boundaries: true,
    ends: true,
    largest: 2 * SEND_BUFFER - 32,
    empty: true,
    shared: true,
    data: ({ data }) => data,
    async open() {
      const [sender, receiver] = UnixSocket.pair('seqpacket')
      sender.bufferSizes = { send: SEND_BUFFER }
      return { sender, receiver }
    },
  },
  {
    name: 'datagram socket',
    boundaries: true,
    ends: false,
    largest: 2 * SEND_BUFFER - 32,
    empty: true,
    shared: true,
    data: ({ data }) => data,
    async open() {
      const [sender, receiver] = UnixSocket.pair('datagram')
      sender.bufferSizes = { send: SEND_BUFFER }
      return { sender, receiver }
    },
  },
]
