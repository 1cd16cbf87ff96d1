import { Buffer } from 'node:buffer'
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { Topic } from '../../../index.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { opened } from '../harness/opened.js'

/** Topics with one subscriber. The file loses its name at once. */
const CAPACITY = 4096
let last = 0

/** @param {import('../harness/context.js').Context} context */
async function create(context) {
  const path = join(context.scratch, `topic-${process.pid}-${threadId}-${++last}`)
  const sender = Topic.open(path, { capacity: CAPACITY })
  try {
    return { sender, receiver: await sender.subscribe() }
  } catch (error) {
    sender.close()
    throw error
  } finally {
    unlinkSync(path)
  }
}

/** @param {any} message */
const numbersOf = (message) => (message === null ? null : decode(message))

export default {
  name: 'topic',
  stream: false,
  ends: false,
  batches: false,
  divides: false,
  /** A wait has a thread, whatever else it has. */
  threads: true,
  most: 200,
  encode,
  decode,
  much: {},

  send: (sender, data, options) => sender.publish(data, options),
  trySend: (sender, data) => sender.tryPublish(data),
  fill(sender) {
    for (const size of [1000, RECORD]) while (sender.tryPublish(Buffer.alloc(size)));
  },
  sendSync: (sender, data, options) => sender.publishSync(data, options),

  /** Each gives the numbers received. */
  receives: {
    recv: async (receiver, options) => numbersOf(await receiver.recv(options)),
    async recvMany(receiver, options) {
      const messages = await receiver.recvMany({ max: 1, ...options })
      return messages.length === 0 ? null : decode(messages[0])
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
    return {
      recv: () => receiver.recv(),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      recvMany: () => receiver.recvMany(),
      tryRecv: () => receiver.tryRecv(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      detach: () => receiver.detach(),
      send: () => sender.publish(encode(1)),
      trySend: () => sender.tryPublish(encode(1)),
      sendSync: () => sender.publishSync(encode(1), { timeout: 0 }),
      subscribe: () => sender.subscribe(),
      dup: () => sender.dup(),
      'detach of the sender': () => sender.detach(),
    }
  },

  /** @param {import('../harness/context.js').Context} context */
  async open(context) {
    const { sender, receiver } = await create(context)
    return opened(sender, receiver)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const [empty, full] = await Promise.all([this.open(context), this.open(context)])
    const { signal } = new AbortController()
    this.fill(full.sender)
    const pending = [full.sender.publish(encode(1)), full.sender.publish(encode(2), { timeout: 600_000, signal })]
    for (let i = 0; i < 8; i++) {
      const { receiver } = empty
      pending.push(receiver.recv({ signal }), receiver.recv({ timeout: 600_000 }), receiver.recvMany())
      pending.push(receiver.iterate().next())
    }
    const handles = [empty, full].flatMap(({ sender, receiver }) => [sender, receiver])
    return { pending, handles }
  },
}
