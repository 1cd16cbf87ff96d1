import { Buffer } from 'node:buffer'
import { randomInt } from 'node:crypto'
import { SysvMessageQueue } from '../../../index.js'
import { leftovers } from '../harness/leftovers.js'
import { receivesMessages } from '../harness/messages.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { opened } from '../harness/opened.js'

/** System V queues, small ones. Both ends are handles of one queue. */
const MAX_BYTES = 8 * RECORD
/** The type of the message that stands for the end, which a queue does not have. */
const END = 99

const { note, drop } = leftovers('sysv-queues', (key) => {
  const queue = SysvMessageQueue.open(key)
  queue.remove()
  queue.close()
})

function create() {
  const key = randomInt(1, 2 ** 31)
  note(key)
  const queue = SysvMessageQueue.open(key, { create: true, exclusive: true })
  queue.set({ maxBytes: MAX_BYTES })
  return queue
}

/** @param {{ data: Buffer, type: number }} message */
function numbersOf({ data, type }) {
  return type === END ? null : decode(data)
}

/** Where another process receives to the end: it is told so by the close. @param {SysvMessageQueue} queue */
function endedByClose(queue) {
  return Object.defineProperty(queue, 'close', {
    configurable: true,
    value() {
      if (!queue.closed) queue.sendSync('', { type: END, timeout: 5000 })
      SysvMessageQueue.prototype.close.call(queue)
    },
  })
}

export default {
  name: 'sysv-queue',
  stream: false,
  /** One message can hold several numbers. */
  batches: false,
  divides: false,
  /** No descriptor is spent on a handle. */
  descriptors: false,
  /** Each that waits has a thread, of which a process has 1,024. */
  most: 500,
  encode,
  decode: numbersOf,
  much: {},

  send: (sender, data, options) => sender.send(data, { type: 5, ...options }),
  trySend: (sender, data) => sender.trySend(data),
  fill(sender) {
    while (sender.trySend(Buffer.alloc(RECORD)));
  },
  sendSync: (sender, data, options) => sender.sendSync(data, options),

  ...receivesMessages(numbersOf),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    return {
      recv: () => receiver.recv(),
      'recv of a type': () => receiver.recv({ type: 3 }),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      tryRecv: () => receiver.tryRecv(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      peek: () => receiver.peek(),
      stat: () => receiver.stat(),
      set: () => receiver.set({}),
      remove: () => receiver.remove(),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      send: () => sender.send(encode(1)),
      trySend: () => sender.trySend(encode(1)),
      sendSync: () => sender.sendSync(encode(1), { timeout: 0 }),
    }
  },

  /** Waits that have a thread of the package's each. */
  onThreads({ sender }) {
    const full = create()
    this.fill(full)
    const wait = full.send(encode(1))
    return [wait.finally(() => full.close()), sender.recv({ type: 3 })]
  },

  async open() {
    const sender = create()
    const receiver = sender.dup()
    const { id, key } = sender
    return {
      ...opened(sender, receiver, () => drop(key)),
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, parcel: { id } }),
    }
  },

  /** @param {import('../harness/context.js').Context} context @param {'sender' | 'receiver'} side of the other process */
  async offer(context, side) {
    const near = create()
    const { id, key } = near
    context.defer(() => drop(key))
    return { parcel: { id }, meet: async () => (side === 'sender' ? near : endedByClose(near)) }
  },

  names: {
    place() {
      const key = randomInt(1, 2 ** 31)
      note(key)
      return key
    },
    make: (key) => SysvMessageQueue.open(key, { create: true, exclusive: true }),
    drop,
  },

  /** What a worker opens the receiver by, which stays open here too. @param {any} ends */
  inWorker: ({ receiver }) => ({ id: receiver.id }),

  /** @param {{ id: number }} parcel @param {'sender' | 'receiver'} side */
  async join({ id }, side) {
    const near = SysvMessageQueue.fromId(id)
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
      full.receiver.send(encode(3)),
    ]
    for (let i = 0; i < 8; i++) {
      pending.push(empty.receiver.recv({ signal }), empty.receiver.recv({ timeout: 600_000, type: i % 3 }))
      pending.push(empty.sender.recv({ type: -3 }), empty.receiver.iterate({ type: 7, except: true }).next())
    }
    const handles = [empty, full].flatMap(({ sender, receiver }) => [sender, receiver])
    return { pending, handles }
  },
}
