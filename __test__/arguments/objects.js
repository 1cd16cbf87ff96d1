/** What the parameters are of: opened before the tests, closed after them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Barrier,
  Channel,
  Condition,
  Endpoint,
  Fifo,
  FileLock,
  Mutex,
  PipeReader,
  PipeWriter,
  PosixMessageQueue,
  PosixSemaphore,
  pipe,
  pipeline,
  RwLock,
  rpc,
  SharedMemory,
  SysvSemaphoreSet,
  signals,
  Topic,
  WorkerPool,
} from '../../index.js'
import { fixture } from '../support/child.js'

/** @type {PipeReader} */
export let reader
/** @type {PipeWriter} */
export let writer
/** @type {ReturnType<typeof pipe>} */
export let other
/** @type {ReturnType<typeof pipeline>} */
export let line
/** @type {string} */
export let folder
/** @type {Fifo} */
export let fifo
/** @type {PosixMessageQueue} */
export let queue
/** @type {import('../../index.js').SignalReceiver} */
export let receiver
/** @type {FileLock} */
export let lock
/** @type {SharedMemory} */
export let memory
/** Of 64 bytes, which nothing is to write. @type {SharedMemory} */
export let small
/** @type {PosixSemaphore} */
export let semaphore
/** @type {SysvSemaphoreSet} */
export let set
/** @type {Mutex} */
export let mutex
/** @type {RwLock} */
export let rwLock
/** @type {Condition} */
export let condition
/** @type {Barrier} */
export let barrier
/** @type {Endpoint} */
export let endpoint
/** @type {Channel} */
export let channel
/** @type {import('../../index.js').ChannelPort} */
export let port
/** @type {import('../../index.js').RpcClient} */
export let client
/** @type {import('../../index.js').RpcServer} */
export let server
/** @type {Topic} */
export let topic
/** @type {import('../../index.js').Subscription} */
export let subscription
/** @type {WorkerPool} */
export let pool
/** @type {Channel[]} */
export let ends = []

export async function openAll() {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  fifo = Fifo.create(join(folder, 'fifo'))
  ;({ reader, writer } = pipe())
  other = pipe()
  line = pipeline([['true']], { stdin: 'ignore', stdout: 'ignore' })
  await line.status()
  writer.trySend('kept')
  queue = PosixMessageQueue.open(null, { create: true, maxMessages: 2, maxMessageSize: 16 })
  queue.unlink()
  queue.trySend('kept')
  receiver = signals.receive('SIGUSR2')
  lock = FileLock.open(join(folder, 'locked'), { create: true })
  rmSync(lock.path ?? '')
  memory = SharedMemory.create(4096)
  semaphore = PosixSemaphore.inMemory(memory, 64, { initialize: 7 })
  small = SharedMemory.create(64)
  const name = `spec-${process.pid}-arguments`
  mutex = Mutex.open(name)
  rwLock = RwLock.open(name)
  condition = Condition.open(name)
  barrier = Barrier.open(name, { parties: 2 })
  for (const Class of [Mutex, RwLock, Condition, Barrier]) Class.unlink(name)
  const [near, far] = Channel.pair()
  channel = near
  const [nearPort, farPort] = Channel.pair()
  port = nearPort.port()
  ends = [near, far, nearPort, farPort]
  near.tryRecv()
  const [callers, servers] = Channel.pair()
  server = rpc.serve(servers, {})
  client = await rpc.connect(callers)
  topic = Topic.open(`@${name}`)
  subscription = await topic.subscribe()
  // As a view of a record would show it first.
  new Uint8Array(small.buffer).fill(0xff)
  set = SysvSemaphoreSet.open('private', { values: [7, 8] })
  endpoint = Endpoint.open()
  pool = WorkerPool.start(fixture('pool-tasks.js'), { size: 1 })
  // Its worker has begun by then.
  await pool.run({ kind: 'pid' })
}

export function closeAll() {
  set.remove()
  pool.close()
  endpoint.close()
  client.close()
  server.close()
  for (const handle of [reader, writer, other.reader, other.writer, queue, memory, small, semaphore, set])
    handle.close()
  for (const handle of [mutex, rwLock, condition, barrier, receiver]) handle.close()
  for (const end of ends) end.close()
  for (const handle of [topic, subscription]) handle.close()
  Topic.unlink(`@spec-${process.pid}-arguments`)
  rmSync(folder, { recursive: true })
}
