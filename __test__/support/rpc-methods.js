/** What the servers of the specs can do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RpcError, SharedMemory } from '../../index.js'

/** How far each stream has come, by name. @type {Map<string, { given: number, left: boolean }>} */
export const streams = new Map()
/** Names of the calls whose signal has aborted, with the reason. @type {Map<string, any>} */
export const stopped = new Map()

/** @type {import('../../index.js').Methods} */
export const methods = {
  add: ({ a, b }) => a + b,
  echo: (params) => params,
  echoLater: async (params) => params,
  nothing() {},
  who: (_, { peer }) => peer,
  pid: () => process.pid,
  async sleep(milliseconds) {
    await sleep(milliseconds)
    return milliseconds
  },
  throws() {
    throw Object.assign(new TypeError('it does not fit'), { code: 42, data: { why: 'too long' } })
  },
  async rejects() {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  },
  throwsRpcError() {
    throw new RpcError('not found', { code: 404, data: [1] })
  },
  throwsRubbish: () => Promise.reject(undefined),
  /** Until it is called off. */
  hang(name, { signal }) {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        stopped.set(name, signal.reason)
        reject(signal.reason)
      })
    })
  },
  async *count({ to, name = 'count' }) {
    const state = { given: 0, left: false }
    streams.set(name, state)
    try {
      for (let n = 0; n < to; n++) {
        state.given++
        yield n
      }
    } finally {
      state.left = true
    }
  },
  async *countThenThrow(to) {
    for (let n = 0; n < to; n++) yield n
    throw new RangeError('no more')
  },
  streamState: (name) => streams.get(name),
  list: () => [1, 2, 3],
  /** Of shared memory that came along. */
  sum: (_, { handles }) => {
    const [memory] = handles
    const bytes = memory.read(0, memory.size)
    memory.close()
    return bytes.reduce((/** @type {number} */ sum, /** @type {number} */ byte) => sum + byte, 0)
  },
  filled({ size, byte }, context) {
    const memory = context.use(SharedMemory.create(size))
    memory.write(Buffer.alloc(size, byte))
    return { size, parts: [{ memory }] }
  },
  cannotBeSent: () => () => {},
  tooLong: () => 'x'.repeat(17 * 1024 * 1024),
  die() {
    process.kill(process.pid, 'SIGKILL')
  },
}
