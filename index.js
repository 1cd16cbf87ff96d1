/**
 * Every interprocess communication primitive of the Linux kernel, for Node.js.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { whole } from './bundle.js'

/**
 * Required and not imported, so that which file it is can be told before.
 * @type {typeof import('./lib/index.js')}
 */
const all = createRequire(import.meta.url)(fileURLToPath(whole))

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
