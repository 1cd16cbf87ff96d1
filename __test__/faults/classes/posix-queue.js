import { Buffer } from 'node:buffer'
import { PosixMessageQueue } from '../../../index.js'
import { namesOf } from '../harness/held.js'
import { receivesMessages } from '../harness/messages.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { openedByFd } from '../harness/opened.js'

const names = namesOf(PosixMessageQueue, '/')

/** POSIX queues, small ones: a user has few. Both ends are handles of one queue, and its name goes at once. */
const SIZES = { maxMessages: 8, maxMessageSize: 8 * RECORD }

function create() {
  const queue = PosixMessageQueue.open(null, { create: true, ...SIZES })
  try {
    queue.unlink()
  } catch (error) {
    queue.unlink()
    queue.close()
    throw error
  }
  return queue
}

/** Or neither is left. @param {PosixMessageQueue} queue */
function copyOf(queue) {
  try {
    return queue.dup()
  } catch (error) {
    queue.close()
    throw error
  }
}

/** @param {{ data: Buffer }} message an empty one stands for the end, which a queue does not have */
function numbersOf({ data }) {
  return data.length === 0 ? null : decode(data)
}

/** Where another process receives to the end: it is told so by the close. @param {PosixMessageQueue} queue */
function endedByClose(queue) {
  return Object.defineProperty(queue, 'close', {
    configurable: true,
    value() {
      if (!queue.closed) queue.sendSync('', { timeout: 5000 })
      PosixMessageQueue.prototype.close.call(queue)
    },
  })
}

export default {
  name: 'posix-queue',
  stream: false,
  /** One message can hold several numbers. */
  batches: false,
  divides: false,
  /** A system has 256 of them, and other specs may need some. */
  most: 200,
  encode,
  decode: numbersOf,
  much: {},
  /** It can tell of a message without a receive. */
  notifies: true,

  send: (sender, data, options) => sender.send(data, options),
  trySend: (sender, data) => sender.trySend(data),
  fill(sender) {
    while (sender.trySend(Buffer.alloc(RECORD)));
  },
  sendSync: (sender, data, options) => sender.sendSync(data, options),

  ...receivesMessages(numbersOf),

  another: (end) => end.dup(),
  names: {
    /** A user may have few. */
    most: 100,
    place: names.newName,
    make: (name) => PosixMessageQueue.open(name, { create: true, exclusive: true, ...SIZES }),
    drop: names.drop,
  },

  calls({ sender, receiver }) {
    return {
      recv: () => receiver.recv(),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      tryRecv: () => receiver.tryRecv(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      notify: () => receiver.notify(),
      size: () => receiver.size,
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      unlink: () => receiver.unlink(),
      send: () => sender.send(encode(1)),
      trySend: () => sender.trySend(encode(1)),
      sendSync: () => sender.sendSync(encode(1), { timeout: 0 }),
      'size of the sender': () => sender.size,
      'dup of the sender': () => sender.dup(),
      'detach of the sender': () => sender.detach(),
    }
  },

  async open() {
    const sender = create()
    const receiver = copyOf(sender)
    return openedByFd(sender, receiver)
  },

  /** @param {import('../harness/context.js').Context} _context @param {'sender' | 'receiver'} side of the other process */
  async offer(_context, side) {
    const near = create()
    return { fds: [near.fd], meet: async () => (side === 'sender' ? near : endedByClose(near)) }
  },

  /** What a worker opens the receiver by, which stays open here too. @param {any} ends */
  inWorker: ({ receiver }) => ({ fd: receiver.dup().detach() }),

  /** @param {any} parcel @param {'sender' | 'receiver'} side */
  async join({ fd = 3 }, side) {
    const near = PosixMessageQueue.fromFd(fd)
    return side === 'sender' ? endedByClose(near) : near
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const [empty, full] = await Promise.all([this.open(context), this.open(context)])
    const { signal } = new AbortController()
    this.fill(full.sender)
    const pending = [
      full.sender.send(encode(1)),
      full.sender.send(encode(2), { timeout: 600_000, signal }),
      empty.receiver.notify(),
      empty.sender.notify({ timeout: 600_000, signal }),
    ]
    for (let i = 0; i < 8; i++) {
      pending.push(empty.receiver.recv({ signal }), empty.receiver.recv({ timeout: 600_000 }))
      pending.push(empty.sender.recv(), empty.receiver.iterate().next())
    }
    const handles = [empty, full].flatMap(({ sender, receiver }) => [sender, receiver])
    return { pending, handles }
  },
}
