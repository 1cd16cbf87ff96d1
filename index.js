/**
 * Every interprocess communication primitive of the Linux kernel, for Node.js.
 */
export { FileLock } from './lib/file-lock/lock.js'
export { Handle } from './lib/handle.js'
export { Fifo } from './lib/pipe/fifo.js'
export { pipe } from './lib/pipe/pipe.js'
export { pipeline } from './lib/pipe/pipeline.js'
export { PipeReader } from './lib/pipe/reader.js'
export { PipeWriter } from './lib/pipe/writer.js'
export { PosixMessageQueue } from './lib/posix-queue/queue.js'
export { PosixSemaphore } from './lib/posix-semaphore/semaphore.js'
export { ProcessHandle } from './lib/process/handle.js'
export { SharedMemory } from './lib/shared-memory/memory.js'
export { struct } from './lib/shared-memory/struct.js'
export { signals } from './lib/signals/signals.js'
export { ftok } from './lib/sysv/key.js'
export { SysvMessageQueue } from './lib/sysv-queue/queue.js'
