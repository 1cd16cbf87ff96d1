import { threadId } from 'node:worker_threads'
import { SignalReceiver, signals } from '../../../index.js'
import { opened } from '../harness/opened.js'

/**
 * Signals: realtime ones, which this process sends itself, with the number of the pair and that of the message as their value.
 * Every receiver of a signal gets those of all pairs, and takes what is its own. Both ends are receivers, so that both can be
 * closed; what is sent at the one comes to the other.
 */
const FIRST = signals.min + 2
const KINDS = 24
const PAIRS = 128
const NUMBERS = 2 ** 24

/** @typedef {{ signal: number, pair: number }} Pair */

/** @type {WeakMap<SignalReceiver, Pair>} */
const pairs = new WeakMap()
/** Of this thread, if there are not too many of either. */
let last = threadId * 120

// What is still on its way when the last receiver is closed is to make no end of the process.
for (let i = 0; i < KINDS; i++) signals.ignore(FIRST + i)

/** @param {Pair} pair */
function open(pair) {
  const receiver = signals.receive(pair.signal)
  pairs.set(receiver, pair)
  return receiver
}

/** @param {SignalReceiver} end @returns {Pair} */
const pairOf = (end) => /** @type {Pair} */ (pairs.get(end))

/** @param {SignalReceiver} sender @param {number} number */
function put(sender, number) {
  if (sender.closed) throw Object.assign(new Error('closed'), { code: 'ERR_IPC_CLOSED' })
  const { signal, pair } = pairOf(sender)
  signals.send(process.pid, signal, { value: pair * NUMBERS + number })
}

/** The number of a message of its own; undefined for others. @param {SignalReceiver} receiver @param {import('../../../index.js').SignalInfo} info */
function numberOf(receiver, { value = -1 }) {
  return value >= 0 && Math.floor(value / NUMBERS) === pairOf(receiver).pair ? [value % NUMBERS] : undefined
}

/** @param {SignalReceiver} receiver */
function tryTake(receiver) {
  for (let info = receiver.tryRecv(); info !== undefined; info = receiver.tryRecv()) {
    const own = numberOf(receiver, info)
    if (own !== undefined) return own
  }
  return undefined
}

export default {
  name: 'signals',
  stream: false,
  ends: false,
  batches: false,
  divides: false,
  /** No descriptor is spent on a handle. */
  descriptors: false,
  threads: false,
  most: 500,
  encode: (number) => number,
  /** Not epoll_ctl: the runtime's own loop, of which one is made to learn its handler, ends the process when that fails. */
  failingCalls: { epoll_ctl: [], signalfd4: ['EMFILE', 'ENFILE', 'ENOMEM'] },

  send: async (sender, number) => put(sender, number),
  trySend(sender, number) {
    put(sender, number)
    return true
  },
  sendSync: (sender, number) => put(sender, number),

  receives: {
    async recv(receiver, options) {
      for (;;) {
        const own = numberOf(receiver, await receiver.recv(options))
        if (own !== undefined) return own
      }
    },
    async iterate(receiver, options) {
      for await (const info of receiver.iterate(options)) {
        const own = numberOf(receiver, info)
        if (own !== undefined) return own
      }
      return null
    },
  },
  tryRecv: tryTake,
  recvSync(receiver, options) {
    for (;;) {
      const own = numberOf(receiver, receiver.recvSync(options))
      if (own !== undefined) return own
    }
  },

  calls({ sender, receiver }) {
    return {
      recv: () => receiver.recv(),
      'recv that never waits': () => receiver.recv({ timeout: 0 }),
      tryRecv: () => receiver.tryRecv(),
      recvSync: () => receiver.recvSync({ timeout: 0 }),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      'recv of the sender': () => sender.recv(),
    }
  },

  async open() {
    last = (last + 1) % (KINDS * PAIRS)
    const pair = { signal: FIRST + (last % KINDS), pair: Math.floor(last / KINDS) }
    const [sender, receiver] = [open(pair), open(pair)]
    return opened(sender, receiver)
  },

  async wait() {
    const { sender, receiver } = await this.open()
    const { signal } = new AbortController()
    const pending = []
    for (const end of [sender, receiver]) {
      for (let i = 0; i < 4; i++) {
        pending.push(end.recv(), end.recv({ signal }), end.recv({ timeout: 600_000 }), end.iterate().next())
      }
    }
    return { pending, handles: [sender, receiver] }
  },
}
