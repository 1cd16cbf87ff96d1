import { Buffer } from 'node:buffer'
import { Channel } from '../../../index.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { opened } from '../harness/opened.js'

/** Channels: both ends in one process, or one that a child has inherited. A message holds any number of records. */
const CAPACITY = 4096

/** @param {any} message */
const numbersOf = (message) => (message === null ? null : decode(message))

export default {
  name: 'channel',
  /** Its messages stand in memory that both sides have. */
  ring: true,
  /** The end comes when the other side has closed, and sending then fails with EPIPE. There is one handle of each end. */
  stream: true,
  /** What a send says when the other side was killed. */
  gone: ['ERR_IPC_PEER_DIED'],
  batches: false,
  divides: false,
  whole: true,
  most: 500,
  encode,
  decode,
  much: {},

  send: (sender, data, options) => sender.send(data, options),
  trySend: (sender, data) => sender.trySend(data),
  fill(sender) {
    for (const size of [1000, RECORD]) while (sender.trySend(Buffer.alloc(size)));
  },
  sendSync: (sender, data, options) => sender.sendSync(data, options),

  /** Each gives the numbers received, or null at the end. */
  receives: {
    recv: async (receiver, options) => numbersOf(await receiver.recv(options)),
    async recvInto(receiver, options) {
      const target = Buffer.alloc(CAPACITY)
      const count = await receiver.recvInto(target, options)
      return count === null ? null : decode(target.subarray(0, count))
    },
    async recvMany(receiver, options) {
      const messages = await receiver.recvMany({ max: 1, ...options })
      return messages.length === 0 ? null : decode(messages[0])
    },
    async recvEnvelope(receiver, options) {
      const envelope = await receiver.recvEnvelope(options)
      return envelope && decode(envelope.message)
    },
    async iterate(receiver, options) {
      const { value, done } = await receiver.iterate(options).next()
      return done ? null : decode(value)
    },
  },
  tryRecv(receiver) {
    const message = receiver.tryRecv()
    return message && decode(message)
  },
  recvSync: (receiver, options) => numbersOf(receiver.recvSync(options)),

  calls({ sender, receiver }) {
    const target = Buffer.alloc(RECORD)
    return {
      recv: () => receiver.recv(),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      recvMany: () => receiver.recvMany(),
      recvEnvelope: () => receiver.recvEnvelope(),
      recvInto: () => receiver.recvInto(target),
      borrow: () => receiver.borrow(),
      tryRecv: () => receiver.tryRecv(),
      tryRecvEnvelope: () => receiver.tryRecvEnvelope(),
      tryRecvInto: () => receiver.tryRecvInto(target),
      tryBorrow: () => receiver.tryBorrow(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      recvIntoSync: () => receiver.recvIntoSync(target, { timeout: 0 }),
      borrowSync: () => receiver.borrowSync({ timeout: 0 }),
      detach: () => receiver.detach(),
      send: () => sender.send(encode(1)),
      trySend: () => sender.trySend(encode(1)),
      sendSync: () => sender.sendSync(encode(1), { timeout: 0 }),
      reserve: () => sender.reserve(RECORD),
      tryReserve: () => sender.tryReserve(RECORD),
      flush: () => sender.flush(),
      end: () => sender.end(),
      'detach of the sender': () => sender.detach(),
    }
  },

  async open() {
    const [sender, receiver] = Channel.pair({ capacity: CAPACITY })
    return opened(sender, receiver)
  },

  async offer() {
    const [near, far] = Channel.pair({ capacity: CAPACITY })
    return {
      fds: [far.fd],
      async meet() {
        far.close()
        return near
      },
    }
  },

  async join() {
    return Channel.fromFd(3)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const [empty, full] = await Promise.all([this.open(context), this.open(context)])
    const { signal } = new AbortController()
    this.fill(full.sender)
    const pending = [
      full.sender.send(encode(1)),
      full.sender.send(encode(2), { timeout: 600_000, signal }),
      full.sender.send(Buffer.alloc(10 * CAPACITY)),
      full.sender.reserve(RECORD),
      full.sender.flush(),
    ]
    for (let i = 0; i < 8; i++) {
      const { receiver } = empty
      pending.push(receiver.recv({ signal }), receiver.recv({ timeout: 600_000 }), receiver.recvMany())
      pending.push(receiver.recvInto(Buffer.alloc(64)), receiver.recvEnvelope(), receiver.iterate().next())
    }
    const handles = [empty, full].flatMap(({ sender, receiver }) => [sender, receiver])
    return { pending, handles }
  },
}
