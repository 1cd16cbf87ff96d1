/** What classes whose ends are PipeReader and PipeWriter have in common: everything but how they are opened. */
import { Buffer } from 'node:buffer'
import { decode, encode, RECORD } from './numbers.js'

const SPLICED = 1 << 20

/**
 * @param {number} [least] the fewest bytes that a receive may ask for; otherwise each receives one record
 * @param {number} [most] the most bytes that one message holds
 */
export function pipeEnds(least = RECORD, most = Number.POSITIVE_INFINITY) {
  return {
    /** The end comes when the last sender has gone, and sending without a receiver fails with EPIPE. */
    stream: true,
    /** One message can hold several numbers. */
    batches: true,
    /** Bytes of which a part may be sent when the rest has to wait. */
    divides: most > 4096,
    encode,
    decode,
    /** Options of a receive that takes as much as is there. */
    much: { maxBytes: 65_536 },

    send: (sender, data, options) => sender.send(data, options),
    /** @returns {boolean} whether all of it was sent. Only for what is sent whole or not at all. */
    trySend: (sender, data) => sender.trySend(data) === data.length,
    /** Sends until there is room for nothing more; what was sent is garbage. */
    fill(sender) {
      for (const size of [65_536, 4096, RECORD]) while (sender.trySend(Buffer.alloc(Math.min(size, most))) > 0);
    },
    sendSync: (sender, data, options) => sender.sendSync(data, options),

    /** Each gives the numbers received, or null at the end. */
    receives: {
      async recv(receiver, options) {
        const data = await receiver.recv({ maxBytes: least, ...options })
        return data === null ? null : decode(data)
      },
      async recvInto(receiver, options) {
        const target = Buffer.alloc(least)
        const count = await receiver.recvInto(target, options)
        return count === 0 ? null : decode(target.subarray(0, count))
      },
      async iterate(receiver, options) {
        const { value, done } = await receiver.iterate({ maxBytes: least, ...options }).next()
        return done ? null : decode(value)
      },
    },
    /** Undefined when there is nothing yet. */
    tryRecv(receiver) {
      const data = receiver.tryRecv({ maxBytes: least })
      return data ? decode(data) : data
    },
    recvSync(receiver, options) {
      const data = receiver.recvSync({ maxBytes: least, ...options })
      return data === null ? null : decode(data)
    },

    /** One more handle of the same end, with which the other one may be closed. */
    another: (end) => end.dup(),

    /** Every call that the handles have, for when they are closed. A promise's failure is its own. */
    calls({ sender, receiver }) {
      return {
        recv: () => receiver.recv(),
        'recv that never waits': () => receiver.recv({ timeout: 0 }),
        recvInto: () => receiver.recvInto(Buffer.alloc(4096)),
        tryRecv: () => receiver.tryRecv(),
        recvSync: () => receiver.recvSync({ timeout: 0 }),
        spliceTo: () => receiver.spliceTo(1, { bytes: SPLICED }),
        readable: () => receiver.readable(),
        'pending of the reader': () => receiver.pending,
        'setCapacity of the reader': () => receiver.setCapacity(4096),
        'dup of the reader': () => receiver.dup(),
        'detach of the reader': () => receiver.detach(),
        send: () => sender.send(encode(1)),
        trySend: () => sender.trySend(encode(1)),
        sendSync: () => sender.sendSync(encode(1), { timeout: 0 }),
        spliceFrom: () => sender.spliceFrom(0, { bytes: SPLICED }),
        writable: () => sender.writable(),
        'pending of the writer': () => sender.pending,
        'setCapacity of the writer': () => sender.setCapacity(4096),
        'dup of the writer': () => sender.dup(),
        'detach of the writer': () => sender.detach(),
      }
    },

    /** Waits that have a thread of the package's each. */
    onThreads: ({ receiver, sender }) => [receiver.spliceTo(sender)],

    /**
     * Begins operations of every sort that can wait, on ends of their own.
     * @param {import('./context.js').Context} context
     * @returns {Promise<{ pending: Promise<any>[], handles: any[] }>}
     */
    async wait(context) {
      const [empty, full, source, target] = await Promise.all([1, 2, 3, 4].map(() => this.open(context)))
      const { signal } = new AbortController()
      this.fill(full.sender)
      const pending = [
        full.sender.send(encode(1)),
        full.sender.send(encode(2), { timeout: 600_000, signal }),
        // A waiter thread.
        source.receiver.spliceTo(target.sender),
        // Behind it in the queue.
        source.receiver.recv(),
      ]
      for (let i = 0; i < 8; i++) {
        pending.push(empty.receiver.recv({ signal }), empty.receiver.recv({ timeout: 600_000 }))
        pending.push(empty.receiver.recvInto(Buffer.alloc(4096)), empty.receiver.iterate().next())
      }
      const handles = [empty, full, source, target].flatMap(({ sender, receiver }) => [sender, receiver])
      return { pending, handles }
    },
  }
}
