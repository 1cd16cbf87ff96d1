import { Buffer } from 'node:buffer'
import { decode, RECORD } from '../harness/numbers.js'
import seqpacket from './unix-seqpacket.js'

/** A wait that is served takes one record. */
const one = { maxBytes: RECORD }

/** @param {import('../../../index.js').SocketMessage | Uint8Array | null} received */
function numbersOf(received) {
  if (received === null) return null
  return decode(received instanceof Uint8Array ? received : received.data)
}

/** Unix sockets of bytes: what is sent one by one may arrive together. */
export default {
  ...seqpacket,
  name: 'unix-stream',
  type: 'stream',
  batches: true,
  parts: true,
  decode: (received) => numbersOf(received),
  much: { maxBytes: 65_536 },

  /** @returns {boolean} whether all of it was sent */
  trySend: (sender, data) => sender.trySend(data) === data.length,
  fill(sender) {
    for (const size of [65_536, 4096, RECORD]) while (sender.trySend(Buffer.alloc(size)) > 0);
  },

  /** Each gives the numbers received, or null at the end. */
  receives: {
    recv: async (receiver, options) => numbersOf(await receiver.recv({ ...one, ...options })),
    async recvInto(receiver, options) {
      const target = Buffer.alloc(RECORD)
      const length = await receiver.recvInto(target, options)
      return length === 0 ? null : decode(target.subarray(0, length))
    },
    async recvMany(receiver, options) {
      const [message = null] = await receiver.recvMany({ max: 1, ...one, ...options })
      return numbersOf(message)
    },
    async iterate(receiver, options) {
      const { value, done } = await receiver.iterate({ ...one, ...options }).next()
      return done ? null : numbersOf(value)
    },
  },
  tryRecv(receiver, options) {
    const message = receiver.tryRecv({ ...one, ...options })
    return message === undefined ? undefined : numbersOf(message)
  },
  recvSync: (receiver, options) => numbersOf(receiver.recvSync({ ...one, ...options })),
}
