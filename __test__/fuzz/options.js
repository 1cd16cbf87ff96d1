/** Options of whatever makes or opens something: any object, with getters that throw or change their mind. */
import assert from 'node:assert/strict'
import {
  Barrier,
  Channel,
  ChannelListener,
  Condition,
  Endpoint,
  Mutex,
  PosixMessageQueue,
  PosixSemaphore,
  pipe,
  RwLock,
  rpc,
  SharedMemory,
  SysvMessageQueue,
  SysvSemaphoreSet,
  signals,
  Topic,
  UnixListener,
  UnixSocket,
} from '../../index.js'
import { anything } from './json.js'

/** @typedef {import('../faults/harness/random.js').Random} Random */

/** The names of options that there are somewhere. */
const NAMES = [
  ...['capacity', 'packet', 'maxMessageSize', 'codec', 'checksum', 'timeout', 'signal', 'mode', 'create', 'exclusive'],
  ...[
    'anyOwner',
    'value',
    'size',
    'seals',
    'huge',
    'readOnly',
    'offset',
    'length',
    'type',
    'backlog',
    'onStale',
    'authorize',
  ],
  ...[
    'maxMessages',
    'slots',
    'overflow',
    'history',
    'concurrency',
    'maxConnections',
    'maxQueued',
    'parties',
    'name',
    'label',
  ],
]
const LIKELY = [
  undefined,
  true,
  false,
  0,
  1,
  4096,
  0o600,
  'bytes',
  'json',
  'wait',
  'stream',
  'seqpacket',
  ['shrink'],
  Number.NaN,
  1n,
  Number.POSITIVE_INFINITY,
  '4096',
  () => true,
]

/** Names that lead nowhere: nothing is made under them. */
const NOWHERE = [
  '/os-ipc-fuzz-nowhere',
  '@os-ipc-fuzz-nowhere',
  '/nowhere/os-ipc-fuzz',
  'x/y',
  '',
  '\0',
  '/',
  '@',
  '..',
  'n'.repeat(300),
]

/** What nobody has to clean up after: pairs, things without a name, names that lead nowhere. @type {Array<(random: Random, options: any) => any>} */
const CALLS = [
  (_, options) => pipe(options),
  (_, options) => Channel.pair(options),
  (random, options) => UnixSocket.pair(random.pick(['stream', 'seqpacket', 'datagram', 'x', options]), options),
  (random, options) => SharedMemory.create(random.pick([1, 4096, 0, -1, 1.5, 'x', options]), options),
  (random, options) => SharedMemory.open(random.pick(NOWHERE), { ...options, create: false, size: undefined }),
  (random, options) => PosixMessageQueue.open(random.pick(NOWHERE), { ...options, create: false }),
  (random, options) => PosixSemaphore.open(random.pick(NOWHERE), { ...options, create: false }),
  (random, options) => SysvMessageQueue.fromId(random.pick([-1, 2 ** 31, 1.5, 'x', options])),
  (random, options) => SysvSemaphoreSet.fromId(random.pick([-1, 2 ** 31, 1.5, 'x', options])),
  (random, options) => Mutex.open(random.pick(['x/y', '', '\0', 'n'.repeat(300), options]), options),
  (random, options) => RwLock.open(random.pick(['x/y', '', '\0', 'n'.repeat(300), options]), options),
  (random, options) => Condition.open(random.pick(['x/y', '', '\0', 'n'.repeat(300), options]), options),
  (random, options) => Barrier.open(random.pick(['x/y', '', '\0', 'n'.repeat(300), options]), options),
  (random, options) => Topic.open(random.pick(['/nowhere/os-ipc-fuzz', '', '@', '@x/y', options]), options),
  (random, options) => Channel.connect(random.pick(NOWHERE), options),
  (random, options) => UnixSocket.connect(random.pick(NOWHERE), options),
  (random, options) =>
    UnixListener.listen(random.pick(['/nowhere/os-ipc-fuzz', '', '@os-ipc-fuzz-listen', options]), options),
  (random, options) =>
    ChannelListener.listen(random.pick(['/nowhere/os-ipc-fuzz', '', '@os-ipc-fuzz-listens', options]), options),
  (random, options) => rpc.connect(random.pick(['/nowhere/os-ipc-fuzz', '', options]), options),
  (random, options) => rpc.serve(random.pick(['/nowhere/os-ipc-fuzz', '', options]), { x: () => 1 }, options),
  (random, options) => Endpoint.send?.(random.pick([0, -1, 2 ** 31, 'x', options]), 'x', options),
  (random, options) =>
    signals.send?.(random.pick([-1, 2 ** 31, 'x', options]), random.pick(['SIGUSR2', 'x', options]), options),
]

const mine = new Error('thrown by an option')

/** @param {Random} random @returns {any} */
function optionsOf(random) {
  if (random.chance(0.05)) return random.pick([null, 1, 'x', [], () => {}, new Map(), Object.create(null)])
  /** @type {any} */
  const options = random.chance(0.1) ? Object.create(null) : {}
  for (let count = random.integer(0, 5); count > 0; count--) {
    const name = random.pick(NAMES)
    if (Object.hasOwn(options, name)) continue
    const [value, other] = [random.chance(0.8) ? random.pick(LIKELY) : anything(random), anything(random)]
    let asked = 0
    if (random.chance(0.85)) options[name] = value
    else {
      Object.defineProperty(options, name, {
        enumerable: true,
        configurable: true,
        get() {
          // Who asks twice is told two things.
          if (asked++ > 0) return other
          if (value === 0) throw mine
          return value
        },
      })
    }
  }
  return options
}

/** @param {any} made */
function close(made) {
  if (made === null || typeof made !== 'object') return
  if (typeof made.close === 'function') made.close()
  else for (const part of Object.values(made)) close(part)
}

export const options = {
  about: 'options of whatever makes or opens something',
  begin() {
    return {
      /** @param {Random} random */
      async one(random) {
        const call = random.pick(CALLS)
        try {
          const given = optionsOf(random)
          // Nobody is to wait, or to be waited for.
          if (Object(given) === given && !Object.hasOwn(given, 'timeout')) given.timeout = 1
          close(await call(random, given))
        } catch (error) {
          if (error === mine) return
          assert.ok(
            error instanceof Error && typeof (/** @type {any} */ (error).code) === 'string',
            error?.stack ?? String(error),
          )
        }
      },
      close() {},
    }
  },
}
