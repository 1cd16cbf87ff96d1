import { Buffer } from 'node:buffer'
import { UnixSocket } from '../../../index.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { openedByFd } from '../harness/opened.js'

/** Unix sockets of whole messages: both ends of a pair in one process, or one end inherited by a child. */

/** @param {import('../../../index.js').SocketMessage | null} message */
function numbersOf(message) {
  return message === null ? null : decode(message.data)
}

export default {
  name: 'unix-seqpacket',
  /** @type {'stream' | 'datagram' | 'seqpacket'} */
  type: 'seqpacket',
  /** The end comes when the last sender has gone, and sending without a receiver fails with EPIPE. */
  stream: true,
  /** A receiver that goes with something unread resets the connection, which is told once. */
  gone: ['EPIPE', 'ECONNRESET'],
  sendCall: 'sendmsg',
  /** One message can hold several numbers. */
  batches: false,
  divides: false,
  encode,
  decode: numbersOf,
  much: {},

  send: (sender, data, options) => sender.send(data, options),
  trySend: (sender, data) => sender.trySend(data),
  fill(sender) {
    while (sender.trySend(Buffer.alloc(RECORD)));
  },
  sendSync: (sender, data, options) => sender.sendSync(data, options),

  /** Each gives the numbers received, or null at the end. */
  receives: {
    recv: async (receiver, options) => numbersOf(await receiver.recv(options)),
    async recvMany(receiver, options) {
      const [message = null] = await receiver.recvMany({ max: 1, ...options })
      return numbersOf(message)
    },
    async iterate(receiver, options) {
      const { value, done } = await receiver.iterate(options).next()
      return done ? null : numbersOf(value)
    },
  },
  tryRecv(receiver) {
    const message = receiver.tryRecv()
    return message === undefined ? undefined : numbersOf(message)
  },
  recvSync: (receiver, options) => numbersOf(receiver.recvSync(options)),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    return {
      recv: () => receiver.recv(),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      recvMany: () => receiver.recvMany(),
      tryRecv: () => receiver.tryRecv(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      'bufferSizes of the receiver': () => receiver.bufferSizes,
      'peerProcess of the receiver': () => receiver.peerProcess(),
      'shutdown of the receiver': () => receiver.shutdown(),
      'dup of the receiver': () => receiver.dup(),
      'detach of the receiver': () => receiver.detach(),
      send: () => sender.send(encode(1)),
      sendMany: () => sender.sendMany([encode(1)]),
      trySend: () => sender.trySend(encode(1)),
      sendSync: () => sender.sendSync(encode(1), { timeout: 0 }),
      'queuedBytes of the sender': () => sender.queuedBytes,
      'dup of the sender': () => sender.dup(),
      'detach of the sender': () => sender.detach(),
    }
  },

  async open() {
    const [sender, receiver] = UnixSocket.pair(this.type)
    return openedByFd(sender, receiver)
  },

  /** @param {import('../harness/context.js').Context} _context @param {'sender' | 'receiver'} _side of the other process */
  async offer(_context, _side) {
    const [near, far] = UnixSocket.pair(this.type)
    return {
      fds: [far.fd],
      async meet() {
        far.close()
        return near
      },
    }
  },

  /** What a worker opens the receiver by, which stays open here too. @param {any} ends */
  inWorker: ({ receiver }) => ({ fd: receiver.dup().detach() }),

  /** @param {any} parcel */
  async join({ fd = 3 }) {
    return UnixSocket.fromFd(fd)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const [empty, full] = await Promise.all([this.open(context), this.open(context)])
    const { signal } = new AbortController()
    this.fill(full.sender)
    const pending = [
      full.sender.send(encode(1)),
      full.sender.send(encode(2), { timeout: 600_000, signal }),
      full.sender.sendMany([encode(3), { data: encode(4), fds: [0] }]),
    ]
    for (let i = 0; i < 8; i++) {
      pending.push(empty.receiver.recv({ signal }), empty.receiver.recv({ timeout: 600_000 }))
      pending.push(empty.receiver.recvMany(), empty.receiver.iterate().next())
    }
    const handles = [empty, full].flatMap(({ sender, receiver }) => [sender, receiver])
    return { pending, handles }
  },
}
