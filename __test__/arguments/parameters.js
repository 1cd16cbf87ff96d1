/** Every parameter, with what is called and which of the values it takes. */
import { join } from 'node:path'
import {
  Barrier,
  Channel,
  ChannelListener,
  Condition,
  cleanup,
  Endpoint,
  Fifo,
  FileLock,
  inherited,
  list,
  Mutex,
  PipeReader,
  PipeWriter,
  PosixMessageQueue,
  PosixSemaphore,
  pipe,
  pipeline,
  RpcError,
  RwLock,
  rpc,
  SharedMemory,
  SysvSemaphoreSet,
  select,
  signals,
  spawn,
  struct,
  Topic,
  WorkerPool,
} from '../../index.js'
import {
  barrier,
  channel,
  client,
  condition,
  endpoint,
  fifo,
  folder,
  line,
  lock,
  memory,
  mutex,
  other,
  pool,
  port,
  queue,
  reader,
  receiver,
  rwLock,
  semaphore,
  server,
  set,
  small,
  subscription,
  topic,
  writer,
} from './objects.js'
import { detached, detachedView, mine, throwing } from './values.js'

const INT = 0x7fffffff

/** @param {any} value */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
/** @param {number} least @param {number} most */
const integer = (least, most) => (/** @type {any} */ value) =>
  Number.isInteger(value) && value >= least && value <= most
/** @param {(value: any) => boolean} takes */
const optional = (takes) => (/** @type {any} */ value) => value === undefined || takes(value)

const milliseconds = optional((value) => typeof value === 'number' && value >= 0)
const signal = optional((value) => value instanceof AbortSignal)
const bool = optional((value) => typeof value === 'boolean')
const maxBytes = optional(integer(1, INT))
const path = (/** @type {any} */ value) => typeof value === 'string' && value !== '' && !value.includes('\0')
const data = (/** @type {any} */ value) =>
  typeof value === 'string' ||
  value instanceof SharedArrayBuffer ||
  ((value instanceof ArrayBuffer || ArrayBuffer.isView(value)) && value !== detached && value !== detachedView)
const end = optional((value) => integer(0, INT)(value) || ['pipe', 'ignore', 'inherit'].includes(value))

/** What is called with the value, and which values it takes. @type {Record<string, { call: (value: any) => any, takes: (value: any) => boolean, promise?: boolean }>} */
export const parameters = {}

/** @param {string} name @param {(value: any) => boolean} takes @param {(value: any) => any} call */
const sync = (name, takes, call) => {
  parameters[name] = { call, takes }
}
/** @param {string} name @param {(value: any) => boolean} takes @param {(value: any) => any} call */
const promised = (name, takes, call) => {
  parameters[name] = { call, takes, promise: true }
}
/** Every option of a method that takes an object of them, and the object itself. @param {typeof sync} kind @param {string} name @param {(options: any) => any} call @param {Record<string, (value: any) => boolean>} options */
const withOptions = (kind, name, call, options) => {
  kind(`${name} options`, optional(isObject), call)
  for (const [option, takes] of Object.entries(options)) {
    kind(`${name} options.${option}`, takes, (value) => call({ [option]: value }))
  }
}
const wait = { timeout: milliseconds, signal }
const stream = { highWaterMark: optional(integer(0, Number.MAX_SAFE_INTEGER)), signal }
const splice = { bytes: optional(integer(0, Number.MAX_SAFE_INTEGER)), ...wait }

withOptions(sync, 'pipe', (options) => pipe(options), { capacity: maxBytes, packet: bool })
sync('PipeReader.fromFd', integer(0, INT), (value) => PipeReader.fromFd(value))
sync('PipeWriter.fromFd', integer(0, INT), (value) => PipeWriter.fromFd(value))
sync('setCapacity', integer(1, INT), (value) => reader.setCapacity(value))
sync('pendingLimit', integer(0, Number.MAX_SAFE_INTEGER), (value) => {
  writer.pendingLimit = value
})
withOptions(promised, 'recv', (options) => reader.recv(options), { maxBytes, ...wait })
withOptions(sync, 'tryRecv', (options) => reader.tryRecv(options), { maxBytes })
withOptions(sync, 'recvSync', (options) => reader.recvSync(options), { maxBytes, timeout: milliseconds })
withOptions(sync, 'iterate', (options) => reader.iterate(options), { maxBytes, ...wait })
promised(
  'recvInto target',
  (value) => ArrayBuffer.isView(value) && value.byteLength > 0,
  (value) => reader.recvInto(value),
)
withOptions(promised, 'recvInto', (options) => reader.recvInto(Buffer.alloc(8), options), wait)
promised('spliceTo target', integer(0, INT), (value) => reader.spliceTo(value))
withOptions(promised, 'spliceTo', (options) => reader.spliceTo(other.writer, options), splice)
withOptions(sync, 'readable', (options) => reader.readable(options), stream)
promised('send data', data, (value) => writer.send(value))
withOptions(promised, 'send', (options) => writer.send('x', options), wait)
sync('trySend data', data, (value) => writer.trySend(value))
sync('sendSync data', data, (value) => writer.sendSync(value))
withOptions(sync, 'sendSync', (options) => writer.sendSync('x', options), { timeout: milliseconds })
promised('spliceFrom source', integer(0, INT), (value) => writer.spliceFrom(value))
withOptions(promised, 'spliceFrom', (options) => writer.spliceFrom(other.reader, options), splice)
withOptions(sync, 'writable', (options) => writer.writable(options), stream)
sync('Fifo.at path', path, (value) => Fifo.at(value))
sync('Fifo.create path', path, (value) => Fifo.create(value))
withOptions(sync, 'Fifo.create', (options) => Fifo.create(join(folder, 'unwanted'), options), {
  mode: optional(integer(0, 0o7777)),
  exclusive: bool,
})
withOptions(promised, 'openReader', (options) => fifo.openReader(options), { anyOwner: bool, ...wait })
withOptions(promised, 'openWriter', (options) => fifo.openWriter(options), { anyOwner: bool, ...wait })
sync(
  'pipeline commands',
  () => false,
  (value) => pipeline(value),
)
sync(
  'pipeline command',
  () => false,
  (value) => pipeline([['true'], value]),
)
sync(
  'pipeline word',
  (value) => typeof value === 'string' && !value.includes('\0'),
  (value) => pipeline([['true', value]]),
)
withOptions(sync, 'pipeline', (options) => pipeline([['true']], options), {
  stdin: end,
  stdout: end,
  stderr: (value) => end(value) && value !== 'pipe',
  signal,
})
const missing = `/os-ipc-spec-${process.pid}`
const string = (/** @type {any} */ value) => typeof value === 'string'
const priority = optional(integer(0, 32_767))
sync('PosixMessageQueue.open name', string, (value) => PosixMessageQueue.open(value))
withOptions(sync, 'PosixMessageQueue.open', (options) => PosixMessageQueue.open(missing, options), {
  create: bool,
  exclusive: bool,
  mode: optional(integer(0, 0o7777)),
  maxMessages: optional(integer(1, INT)),
  maxMessageSize: optional(integer(1, INT)),
  access: optional((value) => ['r', 'w', 'rw'].includes(value)),
})
sync('PosixMessageQueue.unlink name', string, (value) => PosixMessageQueue.unlink(value))
sync('PosixMessageQueue.fromFd', integer(0, INT), (value) => PosixMessageQueue.fromFd(value))
promised('queue.send data', data, (value) => queue.send(value))
withOptions(promised, 'queue.send', (options) => queue.send('x', options), { priority, ...wait })
sync('queue.trySend data', data, (value) => queue.trySend(value))
withOptions(sync, 'queue.trySend', (options) => queue.trySend('x', options), { priority })
sync('queue.sendSync data', data, (value) => queue.sendSync(value))
withOptions(sync, 'queue.sendSync', (options) => queue.sendSync('x', options), { priority, timeout: milliseconds })
withOptions(promised, 'queue.recv', (options) => queue.recv(options), wait)
withOptions(sync, 'queue.recvSync', (options) => queue.recvSync(options), { timeout: milliseconds })
withOptions(sync, 'queue.iterate', (options) => queue.iterate(options), wait)
withOptions(promised, 'queue.notify', (options) => queue.notify(options), wait)
sync('FileLock.open path', path, (value) => FileLock.open(value))
withOptions(sync, 'FileLock.open', (options) => FileLock.open(join(folder, 'unwanted'), options), {
  create: bool,
  mode: optional(integer(0, 0o7777)),
})
const offset = optional(integer(0, Number.MAX_SAFE_INTEGER))
const range = { shared: bool, start: offset, length: offset }
withOptions(promised, 'lock', (options) => lock.lock(options), { ...range, ...wait })
withOptions(sync, 'tryLock', (options) => lock.tryLock(options), range)
withOptions(sync, 'lockSync', (options) => lock.lockSync(options), { ...range, timeout: milliseconds })
promised(
  'lock.with body',
  (value) => typeof value === 'function',
  (value) => lock.with(value),
)
withOptions(promised, 'lock.with', (options) => lock.with(() => {}, options), { ...range, ...wait })
const lockOptions = { mode: optional(integer(0, 0o777)), anyOwner: bool }
for (const [Class, name] of /** @type {const} */ ([
  [Mutex, 'Mutex'],
  [RwLock, 'RwLock'],
  [Condition, 'Condition'],
])) {
  sync(`${name}.open name`, string, (value) => Class.open(value))
  withOptions(sync, `${name}.open`, (options) => Class.open('unwanted', options), lockOptions)
  sync(`${name}.unlink name`, string, (value) => Class.unlink(value))
}
sync('Barrier.open name', string, (value) => Barrier.open(value, { parties: 2 }))
withOptions(sync, 'Barrier.open', (options) => Barrier.open('unwanted', options), { parties: integer(1, 0x7fff) })
sync('Barrier.unlink name', string, (value) => Barrier.unlink(value))
withOptions(promised, 'mutex.lock', (options) => mutex.lock(options), wait)
withOptions(sync, 'mutex.lockSync', (options) => mutex.lockSync(options), { timeout: milliseconds })
promised(
  'mutex.with body',
  (value) => typeof value === 'function',
  (value) => mutex.with(value),
)
promised(
  'condition.wait guard',
  () => false,
  (value) => condition.wait(value),
)
sync(
  'condition.waitSync guard',
  () => false,
  (value) => condition.waitSync(value),
)
sync(
  'condition.notify',
  optional((value) => value === Number.POSITIVE_INFINITY || integer(0, Number.MAX_SAFE_INTEGER)(value)),
  (value) => condition.notify(value),
)
withOptions(promised, 'barrier.wait', (options) => barrier.wait(options), wait)
withOptions(sync, 'barrier.waitSync', (options) => barrier.waitSync(options), { timeout: milliseconds })
withOptions(promised, 'rwLock.read', (options) => rwLock.read(options), wait)
withOptions(sync, 'rwLock.readSync', (options) => rwLock.readSync(options), { timeout: milliseconds })
withOptions(promised, 'rwLock.write', (options) => rwLock.write(options), wait)
withOptions(sync, 'rwLock.writeSync', (options) => rwLock.writeSync(options), { timeout: milliseconds })
const one = optional((value) => value === 1)
sync('PosixSemaphore.open name', string, (value) => PosixSemaphore.open(value))
withOptions(sync, 'PosixSemaphore.open', (options) => PosixSemaphore.open(missing, options), {
  create: bool,
  exclusive: bool,
  mode: optional(integer(0, 0o7777)),
  value: optional(integer(0, INT)),
  anyOwner: bool,
})
sync('PosixSemaphore.unlink name', string, (value) => PosixSemaphore.unlink(value))
sync(
  'PosixSemaphore.inMemory memory',
  () => false,
  (value) => PosixSemaphore.inMemory(value, 0),
)
sync(
  'PosixSemaphore.inMemory offset',
  (value) => integer(0, 4096 - 32)(value) && value % 8 === 0,
  (value) => PosixSemaphore.inMemory(memory, value),
)
withOptions(sync, 'PosixSemaphore.inMemory', (options) => PosixSemaphore.inMemory(memory, 0, options), {
  initialize: optional(integer(0, INT)),
})
withOptions(promised, 'semaphore.acquire', (options) => semaphore.acquire(options), { permits: one, ...wait })
sync('semaphore.tryAcquire', one, (value) => semaphore.tryAcquire(value))
withOptions(sync, 'semaphore.acquireSync', (options) => semaphore.acquireSync(options), {
  permits: one,
  timeout: milliseconds,
})
sync('semaphore.release', optional(integer(1, INT)), (value) => semaphore.release(value))
promised(
  'semaphore.with body',
  (value) => typeof value === 'function',
  (value) => semaphore.with(value),
)
withOptions(promised, 'semaphore.with', (options) => semaphore.with(() => {}, options), { permits: one, ...wait })
const NUMBERS = Number.MAX_SAFE_INTEGER
const SEALS = ['seal', 'shrink', 'grow', 'write', 'future-write', 'exec']
const seal = (/** @type {any} */ value) => SEALS.includes(value)
const size = integer(1, NUMBERS)
const part = { offset: optional(integer(0, NUMBERS)), length: optional(size) }
const permissions = optional(integer(0, 0o777))
const word = integer(-(2 ** 31), 2 ** 32 - 1)
const long = (/** @type {any} */ value) =>
  Number.isSafeInteger(value) || (typeof value === 'bigint' && value >= -(2n ** 63n) && value < 2n ** 64n)
/** Of a memory of 64 bytes. */
const aligned = (/** @type {any} */ value) => integer(0, 60)(value) && value % 4 === 0
sync('SharedMemory.create size', size, (value) => SharedMemory.create(value))
withOptions(sync, 'SharedMemory.create', (options) => SharedMemory.create(64, options), {
  label: optional((value) => string(value) && !value.includes('\0')),
  hugePages: bool,
  seals: optional((value) => Array.isArray(value) && value.every(seal)),
})
sync('SharedMemory.open name', string, (value) => SharedMemory.open(value))
withOptions(sync, 'SharedMemory.open', (options) => SharedMemory.open(missing, options), {
  size: optional(size),
  create: bool,
  exclusive: bool,
  mode: optional(integer(0, 0o7777)),
  readOnly: bool,
  anyOwner: bool,
  ...part,
})
sync('SharedMemory.unlink name', string, (value) => SharedMemory.unlink(value))
sync(
  'SharedMemory.sysv key',
  (value) => word(value) && value !== 0 && value !== 2 ** 32,
  (value) => SharedMemory.sysv(value),
)
withOptions(sync, 'SharedMemory.sysv', (options) => SharedMemory.sysv(0x6f697063, options), {
  create: bool,
  exclusive: bool,
  mode: permissions,
  size: optional(size),
  readOnly: bool,
  hugePages: bool,
})
sync('SharedMemory.fromSysvId id', integer(0, INT), (value) => SharedMemory.fromSysvId(value))
withOptions(sync, 'SharedMemory.fromSysvId', (options) => SharedMemory.fromSysvId(INT, options), { readOnly: bool })
sync('SharedMemory.map path', path, (value) => SharedMemory.map(value))
withOptions(sync, 'SharedMemory.map', (options) => SharedMemory.map(join(folder, 'missing'), options), {
  size: optional(size),
  create: bool,
  mode: optional(integer(0, 0o7777)),
  readOnly: bool,
  ...part,
})
sync('SharedMemory.fromFd fd', integer(0, INT), (value) => SharedMemory.fromFd(value))
withOptions(sync, 'SharedMemory.fromFd', (options) => SharedMemory.fromFd(INT, options), {
  readOnly: bool,
  unsealed: bool,
  ...part,
})
sync('memory.read offset', optional(integer(0, 64)), (value) => small.read(value))
sync('memory.read length', optional(integer(0, NUMBERS)), (value) => small.read(0, value))
sync('memory.write data', data, (value) => small.write(value))
sync('memory.write offset', optional(integer(0, 63)), (value) => small.write('x', value))
promised('memory.wait offset', aligned, (value) => small.wait(value, 1))
promised('memory.wait expected', word, (value) => small.wait(0, value))
withOptions(promised, 'memory.wait', (options) => small.wait(0, 1, options), wait)
sync('memory.waitSync offset', aligned, (value) => small.waitSync(value, 1))
sync('memory.waitSync expected', word, (value) => small.waitSync(0, value))
withOptions(sync, 'memory.waitSync', (options) => small.waitSync(0, 1, options), { timeout: milliseconds })
sync('memory.notify offset', aligned, (value) => small.notify(value))
sync(
  'memory.notify count',
  optional((value) => value === Number.POSITIVE_INFINITY || integer(0, NUMBERS)(value)),
  (value) => small.notify(0, value),
)
sync('memory.seal', seal, (value) => small.seal(value))
sync('memory.resize size', size, (value) => small.resize(value))
sync(
  'memory.advise advice',
  () => false,
  (value) => small.advise(value),
)
sync('memory.set changes', isObject, (value) => small.set(value))
for (const [field, takes] of Object.entries({
  uid: integer(0, 2 ** 32 - 2),
  gid: integer(0, 2 ** 32 - 2),
  mode: integer(0, 0o777),
})) {
  sync(`memory.set changes.${field}`, optional(takes), (value) => small.set({ [field]: value }))
}
sync(
  'memory.atomics type',
  () => false,
  (value) => small.atomics.load(value, 0),
)
for (const [type, takes, width] of /** @type {['i32' | 'u64', (value: any) => boolean, number][]} */ ([
  ['i32', word, 4],
  ['u64', long, 8],
])) {
  const place = (/** @type {any} */ value) => integer(0, 64 - width)(value) && value % width === 0
  sync(`memory.atomics.load ${type} offset`, place, (value) => small.atomics.load(type, value))
  for (const operation of /** @type {const} */ (['store', 'add', 'sub', 'and', 'or', 'xor', 'exchange'])) {
    sync(`memory.atomics.${operation} ${type} value`, takes, (value) => small.atomics[operation](type, 0, value))
  }
  sync(`memory.atomics.compareExchange ${type} expected`, takes, (value) => {
    small.atomics.compareExchange(type, 0, value, /** @type {any} */ (1))
  })
}
sync(
  'struct fields',
  () => false,
  (value) => struct(value),
)
sync(
  'struct field',
  () => false,
  (value) => struct({ field: value }),
)
sync('struct length of an array', integer(1, INT), (value) => struct({ field: ['u8', value] }))
withOptions(sync, 'struct', (options) => struct({ field: 'u8' }, options), {
  endian: optional((value) => ['native', 'little', 'big'].includes(value)),
  packed: bool,
})
const Row = struct({
  byte: 'u8',
  real: 'f64',
  long: 'i64',
  name: ['char', 4],
  many: ['i16', 2],
  inner: struct({ a: 'u8' }),
})
sync(
  'struct.view memory',
  () => false,
  (value) => Row.view(value),
)
sync('struct.view offset', optional(integer(0, 64 - Row.byteLength)), (value) => Row.view(small, value))
sync('struct.array length', integer(0, Math.floor(64 / Row.byteLength)), (value) => Row.array(small, 0, value))
for (const [field, takes] of Object.entries({
  byte: integer(0, 255),
  real: (/** @type {any} */ value) => typeof value === 'number',
  long: (/** @type {any} */ value) => typeof value === 'bigint' && value < 2n ** 63n,
  name: (/** @type {any} */ value) => string(value) && Buffer.byteLength(value) <= 4,
  many: () => false,
  inner: (/** @type {any} */ value) => isObject(value) || Array.isArray(value),
})) {
  sync(`a record's ${field}`, takes, (value) => {
    /** @type {any} */
    Row.view(small)[field] = value
  })
}
withOptions(promised, 'status', (options) => line.status(options), wait)

const never = () => false
const channelOptions = {
  codec: (/** @type {any} */ value) => [undefined, 'bytes', 'json', 'structured'].includes(value),
  capacity: optional((/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(0, 2 ** 30)(value)),
  maxMessageSize: optional(integer(1, INT)),
  maxQueued: optional((/** @type {any} */ value) => typeof value === 'number' && value >= 0),
  checksum: bool,
}
withOptions(sync, 'Channel.pair', (options) => Channel.pair(options), channelOptions)
sync('Channel.fromFd fd', integer(0, INT), (value) => Channel.fromFd(value))
withOptions(sync, 'Channel.fromFd', (options) => Channel.fromFd(INT, options), channelOptions)
promised('Channel.connect address', string, (value) => Channel.connect(value))
withOptions(promised, 'Channel.connect', (options) => Channel.connect(join(folder, 'missing'), options), {
  ...channelOptions,
  ...wait,
})
sync('ChannelListener.listen address', string, (value) => ChannelListener.listen(value))
withOptions(sync, 'ChannelListener.listen', (options) => ChannelListener.listen(join(folder, 'unwanted'), options), {
  ...channelOptions,
  mode: optional(integer(0, 0o777)),
  onStale: (/** @type {any} */ value) => [undefined, 'replace', 'fail'].includes(value),
  authorize: optional((/** @type {any} */ value) => typeof value === 'function'),
  maxConnections: optional(
    (/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(1, Number.MAX_SAFE_INTEGER)(value),
  ),
  handshakeTimeout: milliseconds,
})
const topicOptions = {
  codec: channelOptions.codec,
  capacity: optional(integer(1, 2 ** 30)),
  overflow: (/** @type {any} */ value) => [undefined, 'wait', 'drop-oldest'].includes(value),
  maxSubscribers: optional(integer(1, 4096)),
  mode: optional(integer(0, 0o7777)),
}
sync('Topic.open address', string, (value) => Topic.open(value))
withOptions(sync, 'Topic.open', (options) => Topic.open(join(folder, 'topic'), options), topicOptions)
sync('Topic.unlink', string, (value) => Topic.unlink(value))
promised('topic.publish message', data, (value) => topic.publish(value))
withOptions(promised, 'topic.publish', (options) => topic.publish('x', options), wait)
sync('topic.tryPublish message', data, (value) => topic.tryPublish(value))
sync('topic.publishSync message', data, (value) => topic.publishSync(value))
withOptions(sync, 'topic.publishSync', (options) => topic.publishSync('x', options), { timeout: milliseconds })
withOptions(promised, 'topic.subscribe', (options) => topic.subscribe(options), {
  history: optional(
    (/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(0, Number.MAX_SAFE_INTEGER)(value),
  ),
  ...wait,
})
withOptions(promised, 'subscription.recv', (options) => subscription.recv(options), wait)
withOptions(sync, 'subscription.recvSync', (options) => subscription.recvSync(options), { timeout: milliseconds })
withOptions(promised, 'subscription.recvMany', (options) => subscription.recvMany(options), {
  max: optional(
    (/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(1, Number.MAX_SAFE_INTEGER)(value),
  ),
  ...wait,
})
withOptions(sync, 'subscription.iterate', (options) => subscription.iterate(options), wait)
const parcels = (/** @type {any} */ value) => value === undefined || (Array.isArray(value) && value.length === 0)
const aFunction = (/** @type {any} */ value) => typeof value === 'function'
const count = optional(
  (/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(1, Number.MAX_SAFE_INTEGER)(value),
)
const rpcCodec = (/** @type {any} */ value) => [undefined, 'json', 'structured'].includes(value)
sync('rpc.serve target', string, (value) => rpc.serve(value, {}))
sync('rpc.serve methods', isObject, (value) => {
  // It has no methods, and nothing more is asked of it.
  if (value === throwing) throw mine
  return rpc.serve(join(folder, 'unwanted'), value)
})
sync('rpc.serve method', aFunction, (value) => rpc.serve(join(folder, 'unwanted'), { value }))
withOptions(sync, 'rpc.serve', (options) => rpc.serve(join(folder, 'unwanted'), {}, options), {
  concurrency: count,
  codec: rpcCodec,
  mode: optional(integer(0, 0o777)),
  onStale: (/** @type {any} */ value) => [undefined, 'replace', 'fail'].includes(value),
  authorize: optional(aFunction),
  maxConnections: count,
  handshakeTimeout: milliseconds,
})
promised('rpc.connect target', string, (value) => rpc.connect(value))
withOptions(promised, 'rpc.connect', (options) => rpc.connect(join(folder, 'missing'), options), {
  codec: rpcCodec,
  ...wait,
})
promised('client.call method', string, (value) => client.call(value))
withOptions(promised, 'client.call', (options) => client.call('x', null, options), { handles: parcels, ...wait })
sync('client.callSync method', string, (value) => client.callSync(value))
withOptions(sync, 'client.callSync', (options) => client.callSync('x', null, options), { timeout: milliseconds })
promised('client.notify method', string, (value) => client.notify(value))
sync('client.stream method', string, (value) => client.stream(value))
withOptions(sync, 'client.stream', (options) => client.stream('x', null, options), wait)
promised(
  'client.batch calls',
  (value) => Array.isArray(value) && value.length === 0,
  (value) => client.batch(value),
)
promised('client.batch method', string, (value) => client.batch([[value]]))
withOptions(promised, 'client.batch', (options) => client.batch([['x']], options), wait)
withOptions(promised, 'server.drain', (options) => server.drain(options), wait)
withOptions(sync, 'RpcError', (options) => new RpcError('x', options), {
  code: optional(integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
})
promised('channel.send message', data, (value) => channel.send(value))
withOptions(promised, 'channel.send', (options) => channel.send('x', options), { handles: parcels, ...wait })
sync('channel.trySend message', data, (value) => channel.trySend(value))
withOptions(sync, 'channel.trySend', (options) => channel.trySend('x', options), { handles: parcels })
sync('channel.sendSync message', data, (value) => channel.sendSync(value))
withOptions(sync, 'channel.sendSync', (options) => channel.sendSync('x', options), {
  handles: parcels,
  timeout: milliseconds,
})
withOptions(promised, 'channel.recv', (options) => channel.recv(options), wait)
withOptions(sync, 'channel.recvSync', (options) => channel.recvSync(options), { timeout: milliseconds })
withOptions(promised, 'channel.recvMany', (options) => channel.recvMany(options), {
  max: optional(
    (/** @type {any} */ value) => value === Number.POSITIVE_INFINITY || integer(1, Number.MAX_SAFE_INTEGER)(value),
  ),
  ...wait,
})
withOptions(promised, 'channel.recvEnvelope', (options) => channel.recvEnvelope(options), wait)
const target = (/** @type {any} */ value) => ArrayBuffer.isView(value) && value.byteLength > 0
promised('channel.recvInto target', target, (value) => channel.recvInto(value))
withOptions(promised, 'channel.recvInto', (options) => channel.recvInto(Buffer.alloc(8), options), wait)
sync('channel.tryRecvInto target', target, (value) => channel.tryRecvInto(value))
sync('channel.recvIntoSync target', target, (value) => channel.recvIntoSync(value))
promised('channel.reserve length', integer(1, Number.MAX_SAFE_INTEGER), (value) => channel.reserve(value))
withOptions(promised, 'channel.reserve', (options) => channel.reserve(8, options), wait)
withOptions(promised, 'channel.borrow', (options) => channel.borrow(options), wait)
withOptions(sync, 'channel.borrowSync', (options) => channel.borrowSync(options), { timeout: milliseconds })
withOptions(promised, 'channel.flush', (options) => channel.flush(options), wait)
withOptions(promised, 'channel.end', (options) => channel.end(options), wait)
withOptions(sync, 'channel.iterate', (options) => channel.iterate(options), wait)
const transfer = (/** @type {any} */ value) => value === null || value === undefined || isEmpty(value)
const isEmpty = (/** @type {any} */ value) => Array.isArray(value) && value.length === 0
sync(
  'port.postMessage transfer',
  (value) => transfer(value) || isObject(value),
  (value) => port.postMessage('x', value),
)
sync('port.postMessage transfer.transfer', transfer, (value) => port.postMessage('x', { transfer: value }))
sync(
  'port.postMessage transfer[0]',
  (value) => value instanceof ArrayBuffer,
  (value) => port.postMessage('x', [value]),
)
sync('port.postMessage message', data, (value) => port.postMessage(value))
for (const method of /** @type {const} */ (['on', 'once'])) {
  sync(
    `port.${method} listener`,
    (value) => typeof value === 'function',
    (value) => port[method]('message', value),
  )
}
const amount = integer(0, 32_767)
const setKey = (/** @type {any} */ value) =>
  value === 'private' || (integer(-(2 ** 31), 2 ** 32 - 1)(value) && value !== 0)
sync('SysvSemaphoreSet.open key', setKey, (value) => SysvSemaphoreSet.open(value))
withOptions(sync, 'SysvSemaphoreSet.open', (options) => SysvSemaphoreSet.open(0x7e57, options), {
  create: bool,
  exclusive: (value) => value === undefined || value === false,
  mode: optional(integer(0, 0o777)),
  count: optional(integer(1, 65_535)),
  values: (value) => value === undefined || (Array.isArray(value) && value.length > 0),
})
sync('SysvSemaphoreSet.fromId', integer(0, INT), (value) => SysvSemaphoreSet.fromId(value))
for (const [what, kind, call] of /** @type {const} */ ([
  ['operate', promised, (/** @type {any} */ list) => set.operate(list)],
  ['tryOperate', sync, (/** @type {any} */ list) => set.tryOperate(list)],
  ['operateSync', sync, (/** @type {any} */ list) => set.operateSync(list)],
])) {
  kind(`set.${what}`, never, call)
  kind(`set.${what} operation`, never, (value) => call([value]))
  kind(`set.${what} index`, integer(0, 1), (value) => call([{ index: value, op: 1 }]))
  kind(`set.${what} op`, integer(-32_767, 32_767), (value) => call([{ index: 0, op: value }]))
  kind(`set.${what} undo`, bool, (value) => call([{ index: 0, op: 1, undo: value }]))
}
withOptions(promised, 'set.operate', (options) => set.operate([{ index: 0, op: 1 }], options), wait)
sync('set.at', integer(0, 1), (value) => set.at(value))
withOptions(sync, 'set.at', (options) => set.at(0, options), { undo: bool })
sync('set.setValues', never, (value) => set.setValues(value))
sync('set.setValue index', integer(0, 1), (value) => set.setValue(value, 1))
sync('set.setValue value', amount, (value) => set.setValue(0, value))
const permitCount = integer(1, 32_767)
withOptions(promised, 'permits.acquire', (options) => set.at(0).acquire(options), {
  permits: optional(permitCount),
  ...wait,
})
sync('permits.tryAcquire', optional(permitCount), (value) => set.at(0).tryAcquire(value))
sync('permits.release', optional(permitCount), (value) => set.at(0).release(value))
promised(
  'permits.with body',
  (value) => typeof value === 'function',
  (value) => set.at(0).with(value),
)
const signalNumber = (/** @type {any} */ value) => integer(1, signals.max)(value)
const receivable = (/** @type {any} */ value) =>
  signalNumber(value) || (Array.isArray(value) && value.every(receivable) && value.length > 0)
sync('signals.number', signalNumber, (value) => signals.number(value))
sync('signals.name', signalNumber, (value) => signals.name(value))
sync('signals.send pid', integer(1, INT), (value) => signals.send(value, 0))
sync('signals.send signal', integer(0, signals.max), (value) => signals.send(process.pid, value))
withOptions(sync, 'signals.send', (options) => signals.send(process.pid, 0, options), {
  value: optional(integer(-INT - 1, INT)),
  thread: optional(integer(1, INT)),
})
sync('signals.sendToGroup pgid', integer(0, INT), (value) => signals.sendToGroup(value, 0))
sync('signals.sendToGroup signal', integer(0, signals.max), (value) => signals.sendToGroup(0, value))
sync('signals.receive', receivable, (value) => signals.receive(value))
sync('signals.block', receivable, (value) => signals.block(value))
sync('signals.unblock', receivable, (value) => signals.unblock(value))
sync('signals.ignore', signalNumber, (value) => signals.ignore(value))
sync('signals.restoreDefault', signalNumber, (value) => signals.restoreDefault(value))
withOptions(promised, 'receiver.recv', (options) => receiver.recv(options), wait)
withOptions(sync, 'receiver.recvSync', (options) => receiver.recvSync(options), { timeout: milliseconds })
withOptions(sync, 'receiver.iterate', (options) => receiver.iterate(options), wait)

const pid = integer(1, INT)
const letter = { handles: (/** @type {any} */ value) => value === undefined || (Array.isArray(value) && !value.length) }
const from = optional(pid)
withOptions(sync, 'Endpoint.open', (options) => Endpoint.open(options), {
  authorize: optional((value) => typeof value === 'function'),
})
promised('endpoint.send pid', pid, (value) => endpoint.send(value, 'x'))
promised('endpoint.send data', data, (value) => endpoint.send(process.pid, value))
withOptions(promised, 'endpoint.send', (options) => endpoint.send(process.pid, 'x', options), { ...letter, ...wait })
sync('endpoint.trySend pid', pid, (value) => endpoint.trySend(value, 'x'))
sync('endpoint.trySend data', data, (value) => endpoint.trySend(process.pid, value))
withOptions(sync, 'endpoint.trySend', (options) => endpoint.trySend(process.pid, 'x', options), letter)
sync('endpoint.sendSync pid', pid, (value) => endpoint.sendSync(value, 'x'))
sync('endpoint.sendSync data', data, (value) => endpoint.sendSync(process.pid, value))
withOptions(sync, 'endpoint.sendSync', (options) => endpoint.sendSync(process.pid, 'x', options), {
  ...letter,
  timeout: milliseconds,
})
withOptions(promised, 'endpoint.recv', (options) => endpoint.recv(options), { from, ...wait })
withOptions(sync, 'endpoint.tryRecv', (options) => endpoint.tryRecv(options), { from })
withOptions(sync, 'endpoint.recvSync', (options) => endpoint.recvSync(options), { from, timeout: milliseconds })
withOptions(sync, 'endpoint.iterate', (options) => endpoint.iterate(options), { from, ...wait })
withOptions(promised, 'select', (options) => select({ receiver }, options), wait)
promised(
  'select source',
  () => false,
  (value) => select({ receiver, value }),
)
sync('inherited name', string, (value) => inherited(value))
sync('spawn options', optional(isObject), (options) => spawn('true', [], options))
// One of which nothing can be asked but whether it holds something holds nothing.
sync('spawn handles', optional(isObject), (handles) =>
  spawn('true', [], { handles: handles === throwing ? 3 : handles }),
)
sync(
  'spawn handle',
  () => false,
  (value) => spawn('true', { handles: { it: value } }),
)
const words = (/** @type {any} */ value) => Array.isArray(value) && value.every(string)
const nothingIn = (/** @type {any} */ value) => Array.isArray(value) && value.length === 0
sync('WorkerPool.start modulePath', path, (value) => WorkerPool.start(value))
withOptions(sync, 'WorkerPool.start', (options) => WorkerPool.start(join(folder, 'no-such-module'), options), {
  size: optional(integer(1, 4096)),
  execArgv: optional(words),
})
// As for spawn.
sync('WorkerPool.start env', optional(isObject), (env) =>
  WorkerPool.start(join(folder, 'no-such-module'), { env: env === throwing ? 3 : env }),
)
sync(
  'WorkerPool.start handle',
  () => false,
  (value) => WorkerPool.start(join(folder, 'no-such-module'), { handles: { it: value } }),
)
withOptions(promised, 'pool.run', (options) => pool.run(null, options), {
  handles: optional(nothingIn),
  retry: bool,
  ...wait,
})
withOptions(promised, 'pool.drain', (options) => pool.drain(options), wait)
withOptions(sync, 'list', (options) => list(options), { kinds: optional(nothingIn), folders: optional(nothingIn) })
sync(
  'list kind',
  () => false,
  (value) => list({ kinds: [value] }),
)
sync('list folder', path, (value) => list({ kinds: [], folders: [value] }))
withOptions(sync, 'cleanup', (options) => cleanup(options), { dryRun: bool })
