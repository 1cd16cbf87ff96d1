import { Channel, rpc } from '../../../index.js'
import { opened } from '../harness/opened.js'

/**
 * Remote procedure calls: what waits is a call, whose handler waits until it is given something. An answer that is on its way
 * when its caller gives up is dropped, so the rows about what must not be lost are not for it.
 */
const only = ['G1', 'G2', 'G7', 'G8', 'G9', 'g12-every-call', 'G18', 'G19', 'L1', 'R11']

/** @param {() => void} close what there is, should it fail @param {Parameters<typeof rpc.serve>} words @returns {any} */
function served(close, ...words) {
  try {
    return rpc.serve(...words)
  } catch (error) {
    close()
    throw error
  }
}

export default {
  name: 'rpc',
  only,
  stream: false,
  ends: false,
  /** Every wait gets what is given. */
  once: true,
  unordered: true,
  descriptors: false,
  most: 200,
  mostWaits: 60_000,
  encode: (number) => number,
  decode: (number) => [number],

  async send(sender, number) {
    sender.give(number)
  },
  trySend: (sender, number) => sender.give(number),

  receives: {
    recv: async (receiver, options) => [await receiver.call('next', null, options)],
    async stream(receiver, options) {
      const { value, done } = await receiver.stream('each', null, options).next()
      return done ? null : [value]
    },
    async batch(receiver, options) {
      const [{ value, reason }] = await receiver.batch([['next']], options)
      if (reason !== undefined) throw reason
      return [value]
    },
  },
  begin: (receiver) => receiver.call('next'),

  calls({ receiver }) {
    return {
      call: () => receiver.call('next'),
      callSync: () => receiver.callSync('next', null, { timeout: 1 }),
      notify: () => receiver.notify('next'),
      stream: () => receiver.stream('each'),
      batch: () => receiver.batch([['next']]),
      detach: () => receiver.detach(),
    }
  },

  async open() {
    const [here, there] = Channel.pair({ capacity: 65_536 })
    /** @type {Set<(number: number) => void>} */
    const waiting = new Set()
    /** What was given before anybody had asked. @type {number[]} */
    const given = []
    const next = (_, { signal }) =>
      new Promise((resolve, reject) => {
        if (given.length > 0) return resolve(given.shift())
        waiting.add(resolve)
        signal.addEventListener('abort', () => {
          waiting.delete(resolve)
          reject(signal.reason)
        })
      })
    const close = () => [here, there].forEach((handle) => void handle.close())
    const sender = served(close, there, {
      next,
      async *each(_, context) {
        for (;;) yield await next(_, context)
      },
    })
    // To serve is to wait; here it is the calls that do.
    sender.unref()
    sender.give = (number) => {
      if (waiting.size === 0) given.push(number)
      for (const resolve of waiting) resolve(number)
      waiting.clear()
    }
    const receiver = await rpc.connect(here).catch((error) => {
      sender.close()
      close()
      throw error
    })
    return opened(sender, receiver)
  },

  async wait() {
    const { sender, receiver } = await this.open()
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.call('next', { signal }), receiver.call('next', null, { timeout: 600_000 }))
      pending.push(receiver.stream('each').next(), receiver.batch([['next']]))
    }
    return { pending, handles: [sender, receiver] }
  },
}
