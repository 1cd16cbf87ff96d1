import { Channel, ChannelListener } from '../../../index.js'
import { permits } from '../harness/permits.js'

/**
 * Listeners for channels: each handshake lets one wait go on, as a permit does. There is one handle of each; the sender is an
 * object that knows the address.
 */
const OPTIONS = { capacity: 4096, handshakeTimeout: 60_000 }
let last = 0
const newAddress = () => `@os-ipc-fault-${process.pid}-${Math.random().toString(36).slice(2)}-${++last}`

const closed = () => Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })

/** One that lacks the memory to say goodbye has closed all the same. @param {Channel} channel */
function shut(channel) {
  try {
    channel.close()
  } catch (error) {
    if (error.syscall !== 'mmap') throw error
  }
}

/** Who was accepted is told so. @param {Channel} channel */
function answer(channel) {
  try {
    channel.trySend('in')
  } finally {
    shut(channel)
  }
}

/** A connection, which is closed once it has been answered. @param {ChannelListener} listener */
async function connect(listener) {
  if (listener.closed) throw closed()
  // Nobody answers before somebody accepts.
  const { address } = listener
  // Whoever accepts closes it; who could not sees to it that it fails.
  const once = async () => {
    const channel = await Channel.connect(address)
    try {
      if ((await channel.unref().recv()) === null) throw new Error('ended without an answer')
    } finally {
      shut(channel)
    }
  }
  once()
    .catch(once)
    .catch(() => {})
}

export default permits({
  name: 'channel-listener',
  most: 300,
  /** A wait that finds a connection at once settles a few turns of the microtask queue before those that were served earlier. */
  unordered: true,
  /** Whoever connects is of this process, and waits for its answer. */
  only: ['G1', 'G2', 'G3', 'G6', 'G8', 'G9', 'G11', 'g12-every-call', 'G16', 'G19', 'P8'],

  acquires: {
    accept: async (listener, options) => answer(await listener.accept(options)),
    async iterate(listener, options) {
      const { value, done } = await listener.iterate(options).next()
      if (done) throw closed()
      answer(value)
    },
  },
  tryAcquire(listener) {
    const channel = listener.tryAccept()
    if (channel !== undefined) answer(channel)
    return channel !== undefined
  },
  acquireSync: (listener, options) => answer(listener.acceptSync(options)),
  give: (listener) => connect(listener),

  calls: ({ receiver }) => ({
    accept: () => receiver.accept(),
    'accept that never waits': () => receiver.accept({ timeout: 0 }),
    tryAccept: () => receiver.tryAccept(),
    acceptSync: () => receiver.acceptSync({ timeout: 0 }),
  }),

  async open() {
    const receiver = ChannelListener.listen(newAddress(), OPTIONS)
    return { sender: receiver, receiver, close: () => receiver.close() }
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.accept({ signal }), receiver.accept({ timeout: 600_000 }), receiver.iterate().next())
    }
    return { pending, handles: [receiver] }
  },
})
