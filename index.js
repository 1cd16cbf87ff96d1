/**
 * Every interprocess communication primitive of the Linux kernel, for Node.js.
 */
import { createRequire } from 'node:module'

/**
 * One module after the other: to import them is to open hundreds of files at once on Node 20, which a process with a low
 * limit of descriptors does not survive.
 * @type {typeof import('./lib/index.js')}
 */
const all = createRequire(import.meta.url)('./lib/index.js')

export const {
  Barrier,
  Channel,
  ChannelListener,
  cleanup,
  Condition,
  Endpoint,
  Fifo,
  FileLock,
  ftok,
  Handle,
  inherited,
  limits,
  list,
  listenFds,
  Mutex,
  pipe,
  pipeline,
  PipeReader,
  PipeWriter,
  PosixMessageQueue,
  PosixSemaphore,
  ProcessHandle,
  rpc,
  RpcError,
  RwLock,
  select,
  SharedMemory,
  SignalReceiver,
  signals,
  SocketMessage,
  spawn,
  struct,
  Subscription,
  systemdNotify,
  SysvMessageQueue,
  SysvSemaphoreSet,
  Topic,
  UnixListener,
  UnixSocket,
  WorkerPool,
} = all
