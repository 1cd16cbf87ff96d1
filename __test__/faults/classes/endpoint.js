import process from 'node:process'
import { Endpoint } from '../../../index.js'
import { decode, encode } from '../harness/numbers.js'

/** Endpoints, of which a process has one: it sends to itself, as to anybody else. */

/** @type {Endpoint | undefined} */
let last

export default {
  name: 'endpoint',
  stream: false,
  ends: false,
  batches: false,
  divides: false,
  whole: true,
  encode,
  decode,
  much: {},
  /** Others open several at once, or take it away from whoever has its other side. */
  only: ['G1', 'G2', 'G4', 'G5', 'g12-every-call', 'G14'],

  send: (sender, data, options) => sender.send(process.pid, data, options),
  trySend: (sender, data) => sender.trySend(process.pid, data),
  sendSync: (sender, data, options) => sender.sendSync(process.pid, data, options),

  receives: {
    recv: async (receiver, options) => decode((await receiver.recv(options)).data),
    from: async (receiver, options) => decode((await receiver.recv({ from: process.pid, ...options })).data),
    async iterate(receiver, options) {
      const { value, done } = await receiver.iterate(options).next()
      if (done) throw Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })
      return decode(value.data)
    },
  },
  tryRecv(receiver) {
    const message = receiver.tryRecv()
    return message && decode(message.data)
  },
  recvSync: (receiver, options) => decode(receiver.recvSync(options).data),

  calls: ({ receiver, sender }) => ({
    recv: () => receiver.recv(),
    'recv of one': () => receiver.recv({ from: process.pid }),
    'recv that never waits': () => receiver.recv({ timeout: 0 }),
    tryRecv: () => receiver.tryRecv(),
    recvSync: () => receiver.recvSync({ timeout: 0 }),
    send: () => sender.send(process.pid, encode(1)),
    trySend: () => sender.trySend(process.pid, encode(1)),
    sendSync: () => sender.sendSync(process.pid, encode(1), { timeout: 0 }),
  }),

  async open() {
    // The one before has done what it was for.
    last?.close()
    const endpoint = Endpoint.open()
    last = endpoint
    // Who has sent enough leaves what the others have as it is.
    const sender = new Proxy(endpoint, {
      get(target, name) {
        if (name === 'close') return () => {}
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return { sender, receiver: endpoint, close: () => endpoint.close() }
  },

  async wait(context) {
    const { receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.recv({ signal }), receiver.recv({ timeout: 600_000, from: process.pid }))
      pending.push(receiver.iterate().next())
    }
    return { pending, handles: [receiver] }
  },
}
