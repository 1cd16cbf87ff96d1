import { UnixListener, UnixSocket } from '../../../index.js'
import { openedByFd } from '../harness/opened.js'
import { permits } from '../harness/permits.js'

/**
 * Listeners: each connection lets one wait go on, as a permit does. The sender is a handle of the same listener: who
 * connects needs no more of it than the address.
 */
const OPTIONS = /** @type {const} */ ({ type: 'seqpacket', backlog: 1024 })
let last = 0
const newAddress = () => `@os-ipc-fault-${process.pid}-${Math.random().toString(36).slice(2)}-${++last}`

/** A connection is made before this returns, unless as many as there is room for wait already. @param {UnixListener} listener */
async function connect(listener) {
  if (listener.closed) throw Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })
  const socket = await UnixSocket.connect(listener.address, { type: 'seqpacket' })
  socket.close()
}

export default permits({
  name: 'unix-listener',
  most: 500,
  /** A wait that finds a connection at once settles a few turns of the microtask queue before those that were served earlier. */
  unordered: true,
  names: {
    place: (context) => context.path(),
    make: (path) => UnixListener.listen(path),
    /** A close removes it. */
    drop() {},
    taken: 'EADDRINUSE',
  },
  failingCalls: {
    socket: ['EMFILE', 'ENFILE', 'ENOMEM'],
    bind: ['ENOMEM'],
    listen: ['ENOMEM'],
    accept4: ['EMFILE', 'ENFILE', 'ENOMEM'],
    getsockopt: ['ENOMEM'],
    setsockopt: ['ENOMEM'],
  },

  acquires: {
    accept: async (listener, options) => (await listener.accept(options)).close(),
    async iterate(listener, options) {
      const { value, done } = await listener.iterate(options).next()
      if (done) throw Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })
      value.close()
    },
    async loop(listener, options) {
      for await (const socket of listener.iterate(options)) return socket.close()
      throw Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })
    },
  },
  tryAcquire(listener) {
    const socket = listener.tryAccept()
    socket?.close()
    return socket !== undefined
  },
  acquireSync: (listener, options) => listener.acceptSync(options).close(),
  give: (listener) => connect(listener),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    return {
      accept: () => receiver.accept(),
      'accept that never waits': () => receiver.accept({ timeout: 0 }),
      tryAccept: () => receiver.tryAccept(),
      acceptSync: () => receiver.acceptSync({ timeout: 0 }),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      'dup of the sender': () => sender.dup(),
      'detach of the sender': () => sender.detach(),
    }
  },

  async open() {
    const sender = UnixListener.listen(newAddress(), OPTIONS)
    let receiver
    try {
      receiver = sender.dup()
    } catch (error) {
      sender.close()
      throw error
    }
    return openedByFd(sender, receiver)
  },

  async offer() {
    const near = UnixListener.listen(newAddress(), OPTIONS)
    return { fds: [near.fd], meet: async () => near }
  },

  async join() {
    return UnixListener.fromFd(3)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.accept({ signal }), receiver.accept({ timeout: 600_000 }))
      pending.push(sender.accept(), receiver.iterate().next())
    }
    return { pending, handles: [sender, receiver] }
  },
})
