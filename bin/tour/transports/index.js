import { channel } from './channel.js'
import { condition } from './condition.js'
import { endpoint } from './endpoint.js'
import { fifo } from './fifo.js'
import { fileLock } from './file-lock.js'
import { netSocket } from './net-socket.js'
import { plainPipe } from './pipe.js'
import { pipeInto } from './pipe-into.js'
import { catPipeline } from './pipeline.js'
import { posixQueue } from './posix-queue.js'
import { posixSemaphore } from './posix-semaphore.js'
import { processSend } from './process-send.js'
import { remoteCalls } from './rpc.js'
import { sharedMemory } from './shared-memory.js'
import { realtimeSignals } from './signals.js'
import { splice } from './splice.js'
import { streams } from './streams.js'
import { sysvQueue } from './sysv-queue.js'
import { topic } from './topic.js'
import { unixSeqpacket, unixStream } from './unix-socket.js'

/**
 * One row of the tour, with both of its sides in one file: `run` in the process that has the file, `receive` in the
 * other one. The addon is imported inside them, since the help lists the rows too.
 *
 * @typedef {object} Transport
 * @property {string} name For --only and machines.
 * @property {string} title What the table says.
 * @property {boolean} ours
 * @property {(file: import('../file.js').SourceFile, tools: Tools) => Promise<import('../receiver-process.js').Received>} run
 * @property {(sink: import('../sink.js').Sink, details: any) => Promise<void>} receive Settles when the end has been seen.
 *
 * @typedef {object} Tools
 * @property {(bytes: number) => void} progress Called for each piece that has gone out.
 * @property {AbortSignal} signal
 * @property {string} directory Of this row alone, removed after it.
 * @property {(setup?: import('../receiver-process.js').Setup) => Promise<import('../receiver-process.js').ReceiverProcess>} receiver
 *   Starts the other process; settles when it is about to call `receive`.
 */

/** @type {readonly Transport[]} */
export const transports = [
  channel,
  topic,
  plainPipe,
  pipeInto,
  splice,
  fifo,
  sharedMemory,
  posixSemaphore,
  condition,
  fileLock,
  realtimeSignals,
  streams,
  catPipeline,
  posixQueue,
  sysvQueue,
  unixStream,
  unixSeqpacket,
  endpoint,
  remoteCalls,
  processSend,
  netSocket,
]
