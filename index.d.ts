/**
 * os-ipc: every interprocess communication primitive of the Linux kernel, for Node.js.
 *
 * What holds everywhere:
 *  - Durations are milliseconds, sizes and offsets are bytes.
 *  - `timeout`: any number >= 0; omitted or Infinity waits for ever, 0 never waits, N gives up after N ms with code
 *    'ETIMEDOUT'. It never wins over something that can be done at once.
 *  - `signal`: aborting rejects with `signal.reason`; aborted already, it rejects and takes nothing. Nothing is ever lost to
 *    a timeout or an abort: either the call settles with it, or it is still where it was.
 *  - `try…` never waits and never throws for "would block": it answers false, 0 or undefined.
 *  - `…Sync` blocks this thread and takes `timeout` only. worker.terminate() and process.exit() end it within 200 ms.
 *  - Promises are served first come, first served; `try…` and `…Sync` receives take what is there even while promises wait.
 *    Sends keep their order: `trySend` gives false (0) while sends are queued, `sendSync` first writes the queued ones.
 *  - `recv` settles with null when the stream has ended, now and for ever after. Queues of the kernel do not end.
 *  - `for await` ends quietly when the handle is closed elsewhere; `break` withdraws the pending receive and does not close
 *    the handle.
 *  - Errors have Node's fields: `code`, and where the kernel said no `errno` (negative), `syscall`, `path`. Wrong types are TypeError
 *    'ERR_INVALID_ARG_TYPE', wrong values RangeError 'ERR_OUT_OF_RANGE' or TypeError 'ERR_INVALID_ARG_VALUE', use after close
 *    'ERR_IPC_CLOSED', the wrong moment 'ERR_INVALID_STATE'. What returns a promise reports everything by rejecting.
 *  - Descriptors are close-on-exec, named objects are created with mode 0o600 unless asked otherwise.
 *  - A pending operation keeps the event loop alive, an idle handle does not. `unref()` stops pending ones too, `ref()`
 *    restores.
 *  - `close()` is idempotent, settles everything pending with ERR_IPC_CLOSED, and is also Symbol.dispose. What a process
 *    forgets to close is closed by garbage collection or exit. After it `fd` is -1.
 *  - A `fromFd` that fails has not taken the descriptor.
 */
/// <reference types="node" />
import type {
  ChildProcess,
  ChildProcessWithoutNullStreams,
  SpawnOptions,
  SpawnOptionsWithoutStdio,
} from 'node:child_process'
import type { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'

/** Otherwise a declaration file exports whatever stands in it. */
export {}

/** Sent as of the call; SharedArrayBuffers are copied during it. */
export type Data = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** How long to wait, in milliseconds: for ever where it is omitted. */
export interface TimeoutOption {
  timeout?: number
}
/** What every call that waits takes: when to give up, and who may call it off. */
export interface WaitOptions extends TimeoutOption {
  signal?: AbortSignal
}

/** Beside these, every errno by its name (`EPIPE`, `ENOENT`…) and Node's own codes for wrong arguments. */
export type IpcErrorCode =
  | 'ERR_IPC_CLOSED'
  | 'ERR_IPC_PEER_DIED'
  | 'ERR_IPC_CORRUPT'
  | 'ERR_IPC_TRUNCATED'
  | 'ERR_IPC_FDS_LOST'
  | 'ERR_IPC_LIMIT'
  | 'ERR_IPC_INVALID_NAME'
  | 'ERR_IPC_UNTRUSTED_OWNER'
  | 'ERR_IPC_NOT_INITIALIZED'
  | 'ERR_IPC_VERSION'
  | 'ERR_IPC_EXCLUSIVE'
  | 'ERR_IPC_NO_SUCH_HANDLE'
  | 'ERR_IPC_NOT_SUPPORTED'
  | 'ETIMEDOUT'
  | 'EMSGSIZE'
  | 'EIDRM'
/** What is thrown and rejected with: an Error with the fields that those of Node have. */
export interface IpcError extends Error {
  code: IpcErrorCode | (string & {})
  errno?: number
  syscall?: string
  /** The file or object that it is about; `id` for System V. */
  path?: string
  id?: number
  /** What to do about it, where there is a remedy (which limit, how to raise it). */
  hint?: string
  /** How far a send or a splice had come when it was cut short. */
  bytesSent?: number
  messagesSent?: number
  /** What arrived although it failed. */
  data?: Buffer
  /** Which command of a pipeline. */
  index?: number
  /** Which source of a `select`. */
  source?: string
}

/** Something open. It is closed once, by whoever comes first: `close`, dispose, garbage collection or the end of the thread. */
export abstract class Handle implements Disposable {
  protected constructor()
  /** Whether it is closed. */
  readonly closed: boolean
  /** Settles what waits with ERR_IPC_CLOSED, then closes. Once; later calls do nothing. */
  close(): void
  /** What waits on it keeps the event loop alive: as it is from the beginning. */
  ref(): this
  /** What waits on it lets the event loop end. */
  unref(): this
  /** An independent handle of the same object, for another owner (a second reader). ERR_IPC_EXCLUSIVE where there can be only one, ERR_IPC_NOT_SUPPORTED where that means nothing. */
  dup(): this
  /** Gives the descriptor up: this handle is closed, nothing is told to the other end, the caller owns the number. ERR_IPC_NOT_SUPPORTED where there is no single descriptor. */
  detach(): number
  /** Most operations that may wait on this handle at once; one more is ERR_IPC_LIMIT. 65,536. */
  pendingLimit: number;
  /** The same as `close`. */
  [Symbol.dispose](): void
}

/** One vocabulary for every transport. `Sent` is boolean for messages, a byte count for byte streams. */
export interface Sender<In, Extra = unknown, Sent = boolean> {
  /** Waits for room, and blocks nothing. Settles when the message is on its way. */
  send(message: In, options?: Extra & WaitOptions): Promise<void>
  /** Does not wait: false, or 0, where there is no room. */
  trySend(message: In, options?: Extra): Sent
  /** Waits for room, and blocks this thread. */
  sendSync(message: In, options?: Extra & TimeoutOption): void
}
/** One vocabulary for every transport: null is the end, undefined that there is nothing now. */
export interface Receiver<Out, Extra = unknown> extends AsyncIterable<Out> {
  /** Waits for the next message, and blocks nothing. null at the end. */
  recv(options?: Extra & WaitOptions): Promise<Out | null>
  /** Does not wait: undefined where there is none. */
  tryRecv(options?: Extra): Out | null | undefined
  /** Waits for the next message, and blocks this thread. */
  recvSync(options?: Extra & TimeoutOption): Out | null
  /** `for await` with options. */
  iterate(options?: Extra & WaitOptions): AsyncIterableIterator<Out>
  /** One message after the other, to the end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Out>
}

// Pipes and FIFOs

/** How a pipe is made. */
export interface PipeOptions {
  /** Kernel buffer size; the kernel rounds it up, `capacity` tells what it gave. */
  capacity?: number
  /** Keep message boundaries (O_DIRECT packets of up to PIPE_BUF bytes). */
  packet?: boolean
}
/** Two ends of a new pipe(7): bytes, or packets. */
export function pipe(options?: PipeOptions): { reader: PipeReader; writer: PipeWriter }

declare abstract class PipeEnd extends Handle {
  readonly fd: number
  readonly capacity: number
  /** F_SETPIPE_SZ: gives what the kernel made of it. EPERM beyond /proc/sys/fs/pipe-max-size. */
  setCapacity(bytes: number): number
  /** Bytes in the kernel's buffer now. */
  readonly pending: number
}
/** The end of a pipe or FIFO that bytes come out of. */
export class PipeReader extends PipeEnd implements Receiver<Buffer, { maxBytes?: number }> {
  /** Takes ownership of a descriptor, such as one inherited through spawn's `stdio`. */
  static fromFd(fd: number): PipeReader
  recv(options?: { maxBytes?: number } & WaitOptions): Promise<Buffer | null>
  tryRecv(options?: { maxBytes?: number }): Buffer | null | undefined
  recvSync(options?: { maxBytes?: number } & TimeoutOption): Buffer | null
  /** Reads into the caller's memory; 0 at the end. */
  recvInto(target: ArrayBufferView, options?: WaitOptions): Promise<number>
  /** Moves bytes (default: to the end) inside the kernel, without a copy through this process; settles with the bytes moved. */
  spliceTo(
    target: PipeWriter | UnixSocket<'stream'> | number,
    options?: { bytes?: number } & WaitOptions,
  ): Promise<number>
  iterate(options?: { maxBytes?: number } & WaitOptions): AsyncIterableIterator<Buffer>
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>
  /** A Node stream that owns this end from now on: recv is ERR_INVALID_STATE, destroying it closes. Of a pipe with packets an object stream: each packet is a chunk. */
  readable(options?: { highWaterMark?: number; signal?: AbortSignal }): Readable
}
/** The end of a pipe or FIFO that bytes go into. Without a reader it is EPIPE. */
export class PipeWriter extends PipeEnd implements Sender<Data, unknown, number> {
  /** Takes ownership of a descriptor, such as one inherited through spawn's `stdio`. */
  static fromFd(fd: number): PipeWriter
  /** Settles when every byte is in the pipe. On timeout or abort the error's `bytesSent` says how many are. */
  send(data: Data, options?: WaitOptions): Promise<void>
  /** How many bytes went in. */
  trySend(data: Data): number
  sendSync(data: Data, options?: TimeoutOption): void
  /** From a pipe, a socket or a file into this pipe, in the kernel. */
  spliceFrom(
    source: PipeReader | UnixSocket<'stream'> | number,
    options?: { bytes?: number } & WaitOptions,
  ): Promise<number>
  /** A Node stream that owns this end from now on: sending is ERR_INVALID_STATE, destroying it closes. */
  writable(options?: { highWaterMark?: number; signal?: AbortSignal }): Writable
}

/** A pipe with a name in the file system: fifo(7). */
export class Fifo {
  private constructor()
  readonly path: string
  /** mkfifo(3). `exclusive: false` accepts a FIFO that stands there already, and nothing else. */
  static create(path: string | URL, options?: { mode?: number; exclusive?: boolean }): Fifo
  /** One that somebody has made; whether there is one is seen at opening. */
  static at(path: string | URL): Fifo
  /** Settles when the other side has opened too, as open(2) would, without blocking the event loop. A symbolic link is ELOOP, anything else that is no FIFO ERR_INVALID_ARG_VALUE. */
  openReader(options?: { anyOwner?: boolean } & WaitOptions): Promise<PipeReader>
  /** The same for writing: settles when somebody reads. */
  openWriter(options?: { anyOwner?: boolean } & WaitOptions): Promise<PipeWriter>
  /** Removes the name; who has it open goes on. */
  unlink(): void
}

/** Connects processes stdout-to-stdin by kernel pipes, as a shell does, with no shell and no copy through Node. A command that cannot be started throws (ENOENT, with `index`) and leaves no child. */
export function pipeline(
  commands: ReadonlyArray<readonly string[]>,
  options?: Omit<SpawnOptions, 'stdio'> & {
    stdin?: 'pipe' | 'ignore' | 'inherit' | PipeReader | number
    stdout?: 'pipe' | 'ignore' | 'inherit' | PipeWriter | number
    stderr?: 'inherit' | 'ignore' | PipeWriter | number
    /** Aborting kills all, by `killSignal`; `status()` then says so. */
    signal?: AbortSignal
  },
): Pipeline
/** How a process has ended: by `exit` with a code, or by a signal. */
export interface ExitStatus {
  code: number | null
  signal: NodeJS.Signals | null
}
/** Processes that are joined by pipes. */
export interface Pipeline {
  readonly processes: readonly ChildProcess[]
  /** First command's stdin and last command's stdout, where they are 'pipe' (the default). */
  readonly stdin: PipeWriter | null
  readonly stdout: PipeReader | null
  /** One entry a command, like bash's PIPESTATUS. */
  status(options?: WaitOptions): Promise<ExitStatus[]>
}

// Message queues

/** A message of a queue, with its priority. */
export interface PosixMessage {
  data: Buffer
  priority: number
}
/** Whole messages with a priority, kept by the kernel: mq_overview(7). The highest priority first, the oldest among equals. */
export class PosixMessageQueue extends Handle implements Sender<Data, { priority?: number }>, Receiver<PosixMessage> {
  /**
   * `name`: one slash, then one word, at most 255 bytes (ERR_IPC_INVALID_NAME); null, with `create`, makes a random unused
   * one. The sizes are those of a new queue; opening one that exists keeps its own. `access` 'rw' unless told otherwise:
   * sending with 'r' or receiving with 'w' is EBADF. A pending recv of this package does not suppress `notify`; a recvSync
   * that waits in a main thread without a timeout does.
   */
  static open(
    name: string | null,
    options?: {
      create?: boolean
      exclusive?: boolean
      mode?: number
      maxMessages?: number
      maxMessageSize?: number
      access?: 'r' | 'w' | 'rw'
    },
  ): PosixMessageQueue
  /** Takes ownership of a descriptor of a queue. Its `name` is null: nobody has told it. */
  static fromFd(fd: number): PosixMessageQueue
  /** Removes the name. Whoever has the queue open goes on. */
  static unlink(name: string): void
  readonly name: string | null
  readonly fd: number
  readonly maxMessages: number
  readonly maxMessageSize: number
  /** Messages waiting now. */
  readonly size: number
  /** `priority` is 0 to 32,767, 0 unless told otherwise. More than `maxMessageSize` bytes is EMSGSIZE. */
  send(data: Data, options?: { priority?: number } & WaitOptions): Promise<void>
  trySend(data: Data, options?: { priority?: number }): boolean
  sendSync(data: Data, options?: { priority?: number } & TimeoutOption): void
  recv(options?: WaitOptions): Promise<PosixMessage>
  tryRecv(): PosixMessage | undefined
  /** In a main thread and without a timeout it stands in mq_receive itself, as a C program does. */
  recvSync(options?: TimeoutOption): PosixMessage
  iterate(options?: WaitOptions): AsyncIterableIterator<PosixMessage>
  [Symbol.asyncIterator](): AsyncIterableIterator<PosixMessage>
  /** Settles when a message comes to the empty queue (mq_notify); takes nothing. EBUSY while another process asks. */
  notify(options?: WaitOptions): Promise<void>
  /** Removes the name. ERR_INVALID_STATE for a queue that came by `fromFd`. */
  unlink(): void
}

/** A System V key: a number of 32 bits other than 0, what `ftok` gives, or 'private' (IPC_PRIVATE). */
export type SysvKey = number | 'private'
/** ftok(3): the key of an existing file and a number from 1 to 255. Different files may have the same. */
export function ftok(path: string | URL, projectId: number): number

/**
 * Opening what exists asks for the permissions in `mode` (0o600): EACCES at once where they are not given, as `fromId` of
 * what one may not read. `exclusive` with `create`: EEXIST if it exists. Removal ends pending waits with EIDRM; later calls
 * give EINVAL or EIDRM.
 */
export interface SysvOpenOptions {
  create?: boolean
  exclusive?: boolean
  mode?: number
}
/** Whose an object of System V is, and who may use it. */
export interface SysvPermissions {
  key: number
  uid: number
  gid: number
  creatorUid: number
  creatorGid: number
  mode: number
}
/** A message of a queue, with its type. */
export interface SysvMessage {
  data: Buffer
  type: number
  /** The length it had, where `truncate` has cut it. */
  fullLength?: number
}
/**
 * `type` 0: the oldest; N > 0: the oldest of type N; N < 0: the oldest of the lowest type <= |N|. `except` inverts N > 0.
 * `truncate`: the data is cut to this many bytes, the rest is gone. Without it nothing is ever cut.
 */
export interface SysvSelect {
  type?: number
  except?: boolean
  truncate?: number
}
/** What msgctl(2) tells of a queue. */
export interface SysvQueueStat extends SysvPermissions {
  messages: number
  bytes: number
  /** What `bytes` may come to. */
  maxBytes: number
  /** 0 for nobody yet. */
  lastSendPid: number
  lastRecvPid: number
  lastSendTime: Date | null
  lastRecvTime: Date | null
  /** When it was made or `set` last. */
  changeTime: Date
}
/**
 * Whole messages with a type, kept by the kernel until they are received or the queue is removed: sysvipc(7). A handle is of
 * the queue that it was opened as: one that was made later under the same key is another one.
 */
export class SysvMessageQueue
  extends Handle
  implements Sender<Data, { type?: number }>, Receiver<SysvMessage, SysvSelect>
{
  /** 'private' makes a new one, with or without `create`. */
  static open(key: SysvKey, options?: SysvOpenOptions): SysvMessageQueue
  /** By its id, as msgget(2) or a parent gave it. */
  static fromId(id: number): SysvMessageQueue
  /** A signed number, as C has it; 0 for a private one. */
  readonly key: number
  readonly id: number
  /** `type` is 1 unless told otherwise. Longer than msgmax, or than the queue's `maxBytes`, is EMSGSIZE; `type` below 1 is ERR_OUT_OF_RANGE. */
  send(data: Data, options?: { type?: number } & WaitOptions): Promise<void>
  trySend(data: Data, options?: { type?: number }): boolean
  sendSync(data: Data, options?: { type?: number } & TimeoutOption): void
  /** Receives of different kinds do not hold each other up. */
  recv(options?: SysvSelect & WaitOptions): Promise<SysvMessage>
  tryRecv(options?: SysvSelect): SysvMessage | undefined
  recvSync(options?: SysvSelect & TimeoutOption): SysvMessage
  iterate(options?: SysvSelect & WaitOptions): AsyncIterableIterator<SysvMessage>
  [Symbol.asyncIterator](): AsyncIterableIterator<SysvMessage>
  /** The message at `index` without taking it (MSG_COPY), undefined past the end. ERR_IPC_NOT_SUPPORTED by kernels that cannot. */
  peek(index?: number): SysvMessage | undefined
  /** IPC_STAT of msgctl(2). */
  stat(): SysvQueueStat
  /** The rest stays as it is. EPERM unless it is yours; root alone may go beyond /proc/sys/kernel/msgmnb. */
  set(changes: { uid?: number; gid?: number; mode?: number; maxBytes?: number }): void
  /** Removes the queue with what is in it, for everybody. close() never does. */
  remove(): void
}

// Shared memory

/** Where the memory comes from. */
export type SharedMemoryKind = 'memfd' | 'posix' | 'sysv' | 'file'
/** What can be forbidden for ever of a memfd: fcntl(2). */
export type Seal = 'shrink' | 'grow' | 'write' | 'future-write' | 'exec' | 'seal'
/** Which part of it to map: all of it where nothing is said. */
export interface SharedMemoryRange {
  /** From which byte of the object on, and how many: a part of it is mapped. The whole of it by default. */
  offset?: number
  length?: number
}
/** Memory that several processes have mapped: memfd, POSIX, System V or a file. */
export class SharedMemory extends Handle {
  /** Anonymous (memfd_create): shared by inheriting or passing it; gone with its last user. Sealed against shrinking unless told otherwise. */
  static create(size: number, options?: { label?: string; hugePages?: boolean; seals?: Seal[] }): SharedMemory
  /** POSIX shm_open. `create` needs `size` > 0. Opening what exists never truncates or resizes it; a `size` larger than it has is EINVAL. One that has no size for a second is ERR_IPC_NOT_INITIALIZED. */
  static open(
    name: string | null,
    options?: {
      size?: number
      create?: boolean
      exclusive?: boolean
      mode?: number
      readOnly?: boolean
      anyOwner?: boolean
    } & SharedMemoryRange,
  ): SharedMemory
  /** Removes a name of shm_open; mappings stay. */
  static unlink(name: string): void
  /** System V: shmget(2) and shmat(2). `create` needs `size` > 0. */
  static sysv(
    key: SysvKey,
    options?: SysvOpenOptions & { size?: number; readOnly?: boolean; hugePages?: boolean },
  ): SharedMemory
  /** By its id, as shmget(2) or a parent gave it. */
  static fromSysvId(id: number, options?: { readOnly?: boolean }): SharedMemory
  /** A file mapped shared (mmap). */
  static map(
    path: string | URL,
    options?: {
      size?: number
      create?: boolean
      exclusive?: boolean
      mode?: number
      readOnly?: boolean
    } & SharedMemoryRange,
  ): SharedMemory
  /** Takes ownership of a descriptor. Memory that its other users could shorten is ERR_IPC_UNTRUSTED_OWNER unless `unsealed`. One that cannot be mapped for writing makes a readOnly handle. */
  static fromFd(fd: number, options?: { readOnly?: boolean; unsealed?: boolean } & SharedMemoryRange): SharedMemory

  readonly kind: SharedMemoryKind
  readonly size: number
  readonly fd: number
  readonly readOnly: boolean
  readonly name: string | null
  readonly id: number | null
  /** The mapping itself, no copy. Detached (byteLength 0) by close() and resize(): a stale view reads nothing, it never crashes. Where another process shortens the memory a view reads zeros there, and the handle's calls fail with ERR_IPC_TRUNCATED. Of a read-only handle: a copy-on-write mapping, a stray write stays in this process and makes that page stale; of a read-only System V one: throws ERR_IPC_NOT_SUPPORTED, use read(). */
  readonly buffer: ArrayBuffer
  /** The same memory as a SharedArrayBuffer, where the runtime can make one. It cannot be detached: after close() it is zeros. */
  readonly sharedBuffer: SharedArrayBuffer | undefined
  /** A copy, to the end where `length` is omitted or too long; `offset` beyond `size` is ERR_OUT_OF_RANGE. Guarded, as write: a mapping that another process shortened gives ERR_IPC_TRUNCATED, not SIGBUS. Also for runtimes without external buffers. */
  read(offset?: number, length?: number): Buffer
  /** Copies `data` there; beyond the end is ERR_OUT_OF_RANGE, and nothing is written. */
  write(data: Data, offset?: number): void
  /** Real atomic operations on aligned 32- and 64-bit words, on every runtime. */
  readonly atomics: SharedAtomics
  /** Like Atomics.wait / waitAsync / notify on an Int32 at `offset`, but between processes. As there, a timeout is the answer 'timed-out', not an error. */
  wait(offset: number, expected: number, options?: WaitOptions): Promise<'ok' | 'not-equal' | 'timed-out'>
  /** The same, and blocks this thread. */
  waitSync(offset: number, expected: number, options?: TimeoutOption): 'ok' | 'not-equal' | 'timed-out'
  /** How many were woken, of all processes together. */
  notify(offset: number, count?: number): number
  /** Of what `create` made; of all else none. */
  readonly seals: Seal[]
  /** Sealing 'write' makes this handle read-only; EBUSY while others map it for writing. */
  seal(...seals: Seal[]): void
  /** A fresh descriptor of the same memory, opened for reading, which is the caller's to close. */
  readOnlyFd(): number
  /** Also gives this handle what another process has resized it to: whoever else has it mapped keeps the size that it was opened with. */
  resize(size: number): void
  /** msync(2): what was written is in the file when this returns. */
  flush(): void
  /** mlock, munlock. */
  pin(): void
  /** Undoes `pin`. */
  unpin(): void
  /** madvise(2): how it is going to be used. */
  advise(advice: 'normal' | 'sequential' | 'random' | 'willneed' | 'dontneed' | 'hugepage'): void
  /** System V only: attach counts, sizes, times; permissions. */
  stat(): SysvSharedMemoryStat
  /** System V only: permissions; the rest stays as it is. */
  set(changes: { uid?: number; gid?: number; mode?: number }): void
  /** Removes the name (shm_unlink, unlink) or marks the segment for removal (IPC_RMID). The mapping stays until close(). */
  unlink(): void
}
/** Each gives what stood there before. */
export interface SharedAtomics {
  /** Reads: 32 bits. */
  load(type: 'i32' | 'u32', offset: number): number
  /** Reads: 64 bits. */
  load(type: 'i64' | 'u64', offset: number): bigint
  /** Writes: 32 bits. */
  store(type: 'i32' | 'u32', offset: number, value: number): void
  /** Writes: 64 bits. */
  store(type: 'i64' | 'u64', offset: number, value: bigint): void
  /** Adds: 32 bits. */
  add(type: 'i32' | 'u32', offset: number, value: number): number
  /** Adds: 64 bits. */
  add(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Subtracts: 32 bits. */
  sub(type: 'i32' | 'u32', offset: number, value: number): number
  /** Subtracts: 64 bits. */
  sub(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Bitwise and: 32 bits. */
  and(type: 'i32' | 'u32', offset: number, value: number): number
  /** Bitwise and: 64 bits. */
  and(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Bitwise or: 32 bits. */
  or(type: 'i32' | 'u32', offset: number, value: number): number
  /** Bitwise or: 64 bits. */
  or(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Bitwise exclusive or: 32 bits. */
  xor(type: 'i32' | 'u32', offset: number, value: number): number
  /** Bitwise exclusive or: 64 bits. */
  xor(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Puts another value there: 32 bits. */
  exchange(type: 'i32' | 'u32', offset: number, value: number): number
  /** Puts another value there: 64 bits. */
  exchange(type: 'i64' | 'u64', offset: number, value: bigint): bigint
  /** Puts `value` there if `expected` stands there: 32 bits. */
  compareExchange(type: 'i32' | 'u32', offset: number, expected: number, value: number): number
  /** Puts `value` there if `expected` stands there: 64 bits. */
  compareExchange(type: 'i64' | 'u64', offset: number, expected: bigint, value: bigint): bigint
}
/** The type of a number in a record. */
export type NumberField = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'
/** The type of a field of a record. */
export type FieldType =
  | NumberField
  | 'u64'
  | 'i64'
  | readonly ['char', number]
  | readonly [NumberField | 'u64' | 'i64', number]
  | Struct<unknown>
/** What a field of a record is in JavaScript. */
export type FieldValue<T> = T extends NumberField
  ? number
  : T extends 'u64' | 'i64'
    ? bigint
    : T extends readonly ['char', number]
      ? string
      : T extends readonly [infer E, number]
        ? Array<FieldValue<E>>
        : T extends { view(memory: ArrayBuffer): infer V }
          ? V
          : never
/** Its properties are the memory itself. */
export type StructView<F> = { -readonly [K in keyof F]: FieldValue<F[K]> }
/** A record with the C compiler's layout. */
export function struct<const F extends Record<string, FieldType>>(
  fields: F,
  options?: { endian?: 'native' | 'little' | 'big'; packed?: boolean },
): Struct<F>
/** The layout of a record, and views of records with it. */
export interface Struct<F> {
  readonly byteLength: number
  readonly alignment: number
  readonly offsets: { readonly [K in keyof F]: number }
  /** One record, whose fields are read and written where they stand. */
  view(memory: SharedMemory | ArrayBufferLike, offset?: number): StructView<F>
  /** So many of them, one behind the other. */
  array(memory: SharedMemory | ArrayBufferLike, offset: number, length: number): Array<StructView<F>>
}
/** What shmctl(2) tells of a segment. */
export interface SysvSharedMemoryStat extends SysvPermissions {
  id: number
  size: number
  attached: number
  creatorPid: number
  lastPid: number
  attachTime: Date | null
  detachTime: Date | null
  changeTime: Date
}

// Semaphores and locks

/** A number of permits that processes share. */
export interface Permits {
  /** P: waits until `permits` (1) can be taken at once. */
  acquire(options?: { permits?: number } & WaitOptions): Promise<void>
  /** Does not wait: false where there are not enough. */
  tryAcquire(permits?: number): boolean
  /** Waits, and blocks this thread. */
  acquireSync(options?: { permits?: number } & TimeoutOption): void
  /** V: gives back. */
  release(permits?: number): void
  readonly value: number
  /** acquire, run, release, whatever `body` does: also if it closes the handle. */
  with<T>(body: () => T | Promise<T>, options?: { permits?: number } & WaitOptions): Promise<T>
}

/**
 * A number that is never below zero, by a name or inside shared memory: sem_overview(7). One permit at a time (`permits`
 * other than 1 on acquire is ERR_OUT_OF_RANGE: use a SysvSemaphoreSet); `release(n)` posts n times, all of them or, with
 * EOVERFLOW above 2,147,483,647, none. What a process had acquired when it died does not come back: where that matters, use
 * another kind of lock. Whoever comes just when there is a permit may take it before those who wait.
 */
export class PosixSemaphore extends Handle implements Permits {
  /**
   * `name`: one slash, then one word, at most 252 bytes (ERR_IPC_INVALID_NAME); null, with `create`, makes a random unused
   * one. `value` (0) is that of a new one, and so is `mode` (0o600). `exclusive` with `create`: EEXIST if it exists.
   */
  static open(
    name: string | null,
    options?: { create?: boolean; exclusive?: boolean; mode?: number; value?: number; anyOwner?: boolean },
  ): PosixSemaphore
  /** Removes the name. Whoever has the semaphore open goes on. */
  static unlink(name: string): void
  /**
   * A `sem_t` inside shared memory, laid out by the C library, so that C programs can use the same one (sem_init(3) with
   * pshared). `offset` is a multiple of 8. `initialize` makes a new one there; without it one is expected to stand there. It
   * has the memory for itself: `memory` may be closed or resized meanwhile. Read-only memory is EACCES.
   */
  static inMemory(memory: SharedMemory, offset: number, options?: { initialize?: number }): PosixSemaphore
  /** How many bytes one takes in memory: 32. */
  static readonly byteLength: number
  readonly name: string | null
  acquire(options?: { permits?: number } & WaitOptions): Promise<void>
  tryAcquire(permits?: number): boolean
  acquireSync(options?: { permits?: number } & TimeoutOption): void
  release(permits?: number): void
  /** Permits that there are now. */
  readonly value: number
  with<T>(body: () => T | Promise<T>, options?: { permits?: number } & WaitOptions): Promise<T>
  /** Removes the name. ERR_IPC_NOT_SUPPORTED in memory. */
  unlink(): void
}

/** One of the operations of a call. */
export interface SemaphoreOperation {
  index: number
  /** Below 0: wait until as many can be taken; above 0: give; 0: wait for zero. -32,767 to 32,767. */
  op: number
  /**
   * (false) At this process's end give back what it acquired and did not release. For locks taken and released by one
   * process; one-sided use is undone at exit. A worker gives back its own part when it ends.
   */
  undo?: boolean
}
/** What semctl(2) tells of a set. */
export interface SysvSemaphoreSetStat extends SysvPermissions {
  count: number
  operateTime: Date | null
  changeTime: Date
  semaphores: Array<{ value: number; lastPid: number; waiting: number; waitingForZero: number }>
}
/**
 * Several numbers that are never below zero, changed together or not at all, kept by the kernel until the set is removed:
 * sysvipc(7), semop(2). What was taken with `undo` comes back when its process ends, however it does. A handle is of the set
 * that it was opened as: one that was made later under the same key is another one.
 */
export class SysvSemaphoreSet extends Handle {
  /**
   * 'private' makes a new one, with or without `create`. A new one has `count` semaphores (as many as there are `values`, or
   * 1), with these `values` (0) from its first operation on; of one that exists `values` are ignored, and fewer semaphores than
   * `count` are EINVAL. One that has no values within a second is ERR_IPC_NOT_INITIALIZED.
   */
  static open(key: SysvKey, options?: SysvOpenOptions & { count?: number; values?: number[] }): SysvSemaphoreSet
  /** Whether or not anybody has given it values. */
  static fromId(id: number): SysvSemaphoreSet
  readonly id: number
  /** A signed number, as C has it; 0 for a private one. */
  readonly key: number
  readonly count: number
  /**
   * semop(2): all of it at once or none of it. Equal lists are served first come, first served, and different ones do not
   * hold each other up. More operations than SEMOPM (500) are E2BIG, more than 32,767 permits ERANGE, a removed set EIDRM.
   */
  operate(operations: SemaphoreOperation[], options?: WaitOptions): Promise<void>
  /** Does not wait: false, and nothing was done. */
  tryOperate(operations: SemaphoreOperation[]): boolean
  /** Waits, and blocks this thread. */
  operateSync(operations: SemaphoreOperation[], options?: TimeoutOption): void
  /** One of them, as permits. All who take from it through this handle, any number, are served first come, first served. */
  at(index: number, options?: { undo?: boolean }): Permits
  /** At one moment. */
  readonly values: number[]
  /** All at once. Whatever any process would have undone of them is forgotten. */
  setValues(values: number[]): void
  /** One of them; what any process would have undone of it is forgotten. */
  setValue(index: number, value: number): void
  /** IPC_STAT of semctl(2). */
  stat(): SysvSemaphoreSetStat
  /** The rest stays as it is. EPERM unless it is yours. */
  set(changes: { uid?: number; gid?: number; mode?: number }): void
  /** Removes the set for everybody: who waits is told EIDRM. close() never does. */
  remove(): void
}

/** Who has it until `unlock`, dispose, the end of the worker that took it, or the end of the process. */
export interface MutexGuard extends Disposable {
  /** The previous holder died holding it: what it protects may be half-changed. Always false where that cannot be known. */
  readonly abandoned: boolean
  /** Once; later calls do nothing. */
  unlock(): void
}
/** How a lock is made, where there is none. */
export interface LockOptions {
  /** Permission bits of a new one, less the umask. 0o600. */
  mode?: number
  /** Accept one that belongs neither to this user nor to root. */
  anyOwner?: boolean
}
/**
 * Mutual exclusion between processes: fair (first come, first served), never spins, freed when its holder dies. Opening
 * creates what is missing. Names of locks and barriers: 1 to 200 bytes, no '/' and no NUL (POSIX names start with '/').
 * Not reentrant: whoever locks again waits for itself. What is held stays held when the handle is closed.
 */
export class Mutex extends Handle {
  /** Opens the one with this name, or makes it. */
  static open(name: string, options?: LockOptions): Mutex
  /** Removes the name and the lock: who waits gets EIDRM, who holds holds nothing any more. ENOENT if there is none. */
  static unlink(name: string): void
  /** Waits for its turn, and blocks nothing. */
  lock(options?: WaitOptions): Promise<MutexGuard>
  /** Does not wait: undefined where somebody holds it, or waits for it. */
  tryLock(): MutexGuard | undefined
  /** Waits for its turn, and blocks this thread. */
  lockSync(options?: TimeoutOption): MutexGuard
  /** Whether somebody holds it now. */
  readonly locked: boolean
  /** Holds it while `body` runs, and gives it back whatever that does. */
  with<T>(body: (guard: MutexGuard) => T | Promise<T>, options?: WaitOptions): Promise<T>
}
/** Many readers or one writer; fair, so that neither starves. Opening creates what is missing. `abandoned` tells that a writer has died, until one has given it back. */
export class RwLock extends Handle {
  /** Opens the one with this name, or makes it. */
  static open(name: string, options?: LockOptions): RwLock
  /** Removes the name and the lock: who waits gets EIDRM, who holds holds nothing any more. ENOENT if there is none. */
  static unlink(name: string): void
  /** Waits until nobody writes, and blocks nothing. */
  read(options?: WaitOptions): Promise<MutexGuard>
  /** Does not wait: undefined where somebody writes, or waits to. */
  tryRead(): MutexGuard | undefined
  /** Waits until nobody writes, and blocks this thread. */
  readSync(options?: TimeoutOption): MutexGuard
  /** Waits until nobody else has it, and blocks nothing. */
  write(options?: WaitOptions): Promise<MutexGuard>
  /** Does not wait: undefined where somebody has it. */
  tryWrite(): MutexGuard | undefined
  /** Waits until nobody else has it, and blocks this thread. */
  writeSync(options?: TimeoutOption): MutexGuard
}
/** Waits, with a mutex given up meanwhile, until another process notifies. Opening creates what is missing. */
export class Condition extends Handle {
  /** Opens the one with this name, or makes it. */
  static open(name: string, options?: LockOptions): Condition
  /** Removes the name and the condition: who waits gets EIDRM. ENOENT if there is none. */
  static unlink(name: string): void
  /**
   * `guard`, of a Mutex, is given up while waiting and holds again before this settles, either way: timeout and abort end
   * the wait, lock again, then reject. Where it cannot hold again (the mutex was closed or unlinked) it rejects with that.
   */
  wait(guard: MutexGuard, options?: WaitOptions): Promise<void>
  /** The same, and blocks this thread. */
  waitSync(guard: MutexGuard, options?: TimeoutOption): void
  /** Wakes at most `count` (1; Infinity for all) of those who wait now, and tells how many. */
  notify(count?: number): number
}
/** Lets `parties` processes go on together, again and again. A party that gives up waiting or dies is withdrawn. Opening creates what is missing. */
export class Barrier extends Handle {
  /** ERR_INVALID_ARG_VALUE if there is one of another number of parties, which is 1 to 32,767. */
  static open(name: string, options: { parties: number } & LockOptions): Barrier
  /** Removes the name and the barrier: who waits gets EIDRM. ENOENT if there is none. */
  static unlink(name: string): void
  readonly parties: number
  /** `last` for the one who made it complete. */
  wait(options?: WaitOptions): Promise<{ last: boolean }>
  /** The same, and blocks this thread. */
  waitSync(options?: TimeoutOption): { last: boolean }
}
/** Which part of a file: from `start` (0), `length` bytes, 0 or omitted to the end. `shared`: others may have it shared too. */
export interface LockRange {
  shared?: boolean
  start?: number
  length?: number
}
/** Advisory lock on a byte range of a regular file, by an open file description. See fcntl(2). */
export class FileLock extends Handle {
  private constructor()
  /** Never truncates; makes the file only with `create`. A shared lock needs a file that can be read, any other one that can be written. */
  static open(path: string | URL, options?: { create?: boolean; mode?: number }): FileLock
  readonly path: string | null
  /** The file, through which nothing is ever locked. */
  readonly fd: number
  /** Waits for its turn, and blocks nothing. */
  lock(options?: LockRange & WaitOptions): Promise<MutexGuard>
  /** Does not wait: undefined where it conflicts with another. */
  tryLock(options?: LockRange): MutexGuard | undefined
  /** Waits for its turn, and blocks this thread. */
  lockSync(options?: LockRange & TimeoutOption): MutexGuard
  /** lock, run, unlock, whatever `body` does. */
  with<T>(body: (guard: MutexGuard) => T | Promise<T>, options?: LockRange & WaitOptions): Promise<T>
}

// Signals and processes

/** 'SIGTERM', 'SIGRTMIN+3', 'SIGRTMAX-1', or a number. */
export type SignalName = NodeJS.Signals | `SIGRTMIN+${number}` | `SIGRTMAX-${number}` | 'SIGRTMIN' | 'SIGRTMAX' | number
/** A signal that has come, with its sender. */
export interface SignalInfo {
  signal: string
  number: number
  /** How it was sent: kill(2), sigqueue(3), tgkill(2), a timer, a message queue's notice, a child's change, the kernel; else si_code of sigaction(2). */
  code: 'user' | 'queue' | 'thread' | 'timer' | 'message-queue' | 'child' | 'kernel' | number
  /** As the kernel tells it, in this process's namespace: 0 for the kernel and for senders outside. */
  pid: number
  uid: number
  /** The integer that came with sigqueue(3). */
  value?: number
}
/** Signals that would break the runtime are refused with ERR_INVALID_ARG_VALUE, which says why: SIGKILL, SIGSTOP, those that tell of faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS), SIGPROF, SIGURG and the C library's own; SIGCHLD can be received, but neither ignored nor held. */
export const signals: {
  /** kill(2), or sigqueue(3) where there is a value; `thread` (a thread id of the kernel's) makes it tgkill(2). 0 only asks whether pid is there. EAGAIN: as many signals are pending as RLIMIT_SIGPENDING allows. */
  send(pid: number, signal: SignalName, options?: { value?: number; thread?: number }): void
  /** To every process of a group; 0 is this process's own. */
  sendToGroup(pgid: number, signal: SignalName): void
  /** Receives from before this returns, beside `process.on` of the same signal: both get it. Realtime signals queue: none is lost, order is kept. While somebody receives a signal, what it does by default is not done; when nobody does any more, it is. */
  receive(signals: SignalName | SignalName[]): SignalReceiver
  /** Where somebody receives it, from when nobody does any more. Takes the place of `process.on` of that signal. Node starts its children with the default action for signals 1 to 31; a realtime signal stays ignored there. */
  ignore(signal: SignalName): void
  /** What the signal does by default is done again. */
  restoreDefault(signal: SignalName): void
  /** Holds back delivery in this process, of all its threads, until unblock(); regular signals merge while held, realtime ones queue. */
  block(signals: SignalName | SignalName[]): void
  /** What one call lets go comes lowest number first. */
  unblock(signals: SignalName | SignalName[]): void
  /** What has come and is being held back. */
  pending(): string[]
  /** ERR_INVALID_ARG_VALUE for a name that no signal has. */
  number(signal: SignalName): number
  /** As `kill -l` has it: 'SIGRTMIN+3', 'SIGRTMAX-1'. ERR_OUT_OF_RANGE for those that the C library keeps for itself. */
  name(number: number): string
  /** SIGRTMIN and SIGRTMAX. */
  readonly min: number
  readonly max: number
}
/** Each receiver gets every signal that it asked for, whoever else does. Signals do not end. */
export class SignalReceiver extends Handle implements Receiver<SignalInfo> {
  recv(options?: WaitOptions): Promise<SignalInfo>
  tryRecv(): SignalInfo | undefined
  recvSync(options?: TimeoutOption): SignalInfo
  iterate(options?: WaitOptions): AsyncIterableIterator<SignalInfo>
  [Symbol.asyncIterator](): AsyncIterableIterator<SignalInfo>
  /** Another receiver of the same signals, from here on. */
  dup(): this
  /** How many came and were thrown away, since more than 131,072 had not been asked for: 0 unless the program stopped receiving for very long. */
  readonly dropped: number
}

/**
 * A process, child or not, by a descriptor (pidfd) that stands for this one process: a number that the kernel gives to another
 * one later cannot be mistaken for it.
 */
export class ProcessHandle extends Handle {
  /**
   * The process that has this number now; ESRCH if there is none, and for the number of a thread. One that has ended but not
   * been reaped by its parent is still there. Whether it is the one that you mean, tell by `startTime`.
   */
  static open(pid: number): ProcessHandle
  readonly pid: number
  /** Whose child it is now: that changes when its parent ends. Once it has been reaped, what was seen last. */
  readonly parentPid: number
  /**
   * To a clock tick of the kernel's, 10 ms, by the clock as it was set when this process first asked. Handles of one process agree
   * exactly here; between programs, allow for a difference. An invalid Date where /proc does not tell.
   */
  readonly startTime: Date
  readonly fd: number
  /** False once it has ended, whether or not it has been reaped. */
  readonly alive: boolean
  /**
   * A signal, with an integer of 32 bits if there is a `value` (sigqueue); 0 only asks. ESRCH once the end can be seen, reaped or not;
   * EPERM; EAGAIN when as many are queued as RLIMIT_SIGPENDING allows.
   */
  send(signal: SignalName, options?: { value?: number }): void
  /**
   * Settles when it has ended, with its status where the kernel tells, else null. Of a child, also of one of Node's, it tells; of others
   * from Linux 6.15 on, and before that while nobody has reaped them, if they are this user's. Reaps nobody.
   */
  exited(options?: WaitOptions): Promise<ExitStatus | null>
  /** The same, and blocks this thread. */
  exitedSync(options?: TimeoutOption): ExitStatus | null
}

/** Bytes, messages without a connection, or messages over one: socket(2). */
export type SocketType = 'stream' | 'datagram' | 'seqpacket'
/** A path, or '@name' for Linux's abstract namespace ('\0name' is understood too; a file called @x is './@x'). */
export type SocketAddress = string
/** Who a process is, by the kernel's word. */
export interface Credentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}
/** What one receive has given. */
export class SocketMessage implements Disposable {
  private constructor()
  readonly data: Buffer
  /** Who has sent a datagram, or where a connection's other end can be found; null for one without an address. */
  readonly from: SocketAddress | null
  /** Who has sent it, by the kernel's word (SCM_CREDENTIALS). */
  readonly credentials: Credentials | null
  /** The message was longer than `maxBytes`. */
  readonly truncated: boolean
  readonly fdCount: number
  /** The first read hands the descriptors to the caller; every read gives the same array. Never read, they are closed by dispose or garbage collection. */
  get fds(): number[]
  /** Closes the descriptors that nobody has read. */
  [Symbol.dispose](): void
}
/** What goes with a message. */
export interface SocketSendOptions {
  /** Where a datagram goes. */
  to?: SocketAddress
  /** Up to 253 descriptors that the receiver gets copies of. A handle's is copied, the handle stays. */
  fds?: Array<number | Handle>
}
/** A Unix domain socket: unix(7). */
export class UnixSocket<T extends SocketType = SocketType>
  extends Handle
  implements Sender<Data, SocketSendOptions, boolean | number>, Receiver<SocketMessage, { maxBytes?: number }>
{
  /** Two sockets that are connected: socketpair(2). */
  static pair<T extends SocketType = 'stream'>(type?: T): [UnixSocket<T>, UnixSocket<T>]
  /** Waits, without blocking the event loop, where as many as the listener allows wait already. */
  static connect<T extends SocketType = 'stream'>(
    address: SocketAddress,
    options?: { type?: T } & WaitOptions,
  ): Promise<UnixSocket<T>>
  /** A datagram socket with an address of its own; 'auto' lets the kernel choose an abstract one. */
  static bind(
    address: SocketAddress | 'auto',
    options?: { mode?: number; onStale?: 'fail' | 'replace' },
  ): UnixSocket<'datagram'>
  /** Takes ownership of a descriptor that was inherited or received. */
  static fromFd(fd: number): UnixSocket
  /**
   * Takes a connection over from Node: its net.Socket is destroyed, what that had read and nobody had taken comes first here.
   * ERR_INVALID_STATE while it connects or has something to write.
   */
  static fromSocket(socket: Socket): UnixSocket<'stream'>
  readonly type: T
  readonly fd: number
  readonly address: SocketAddress | null
  /** Who connected or listened (SO_PEERCRED); of a pair, who made it. */
  readonly peer: Credentials | null
  readonly peerGroups: number[] | undefined
  /** The process at the other side, by a descriptor of it and not by its number (SO_PEERPIDFD, Linux 6.5); undefined where the kernel has none. ESRCH once it has gone and been reaped. */
  peerProcess(): ProcessHandle | undefined
  send(data: Data, options?: SocketSendOptions & WaitOptions): Promise<void>
  /** Of a stream, how many bytes were sent. */
  trySend(data: Data, options?: SocketSendOptions): T extends 'stream' ? number : boolean
  sendSync(data: Data, options?: SocketSendOptions & TimeoutOption): void
  /** `maxBytes`: of a stream 64 KiB, else the whole message, by default. An empty message has data.length 0. At the limit of open descriptors ERR_IPC_FDS_LOST: the message is taken, its bytes are the error's `data`. */
  recv(options?: { maxBytes?: number } & WaitOptions): Promise<SocketMessage | null>
  tryRecv(options?: { maxBytes?: number }): SocketMessage | null | undefined
  recvSync(options?: { maxBytes?: number } & TimeoutOption): SocketMessage | null
  /** Bytes of a stream into the caller's memory; 0 at the end. Descriptors that come with them are closed. */
  recvInto(target: ArrayBufferView, options?: WaitOptions): Promise<number>
  iterate(options?: { maxBytes?: number } & WaitOptions): AsyncIterableIterator<SocketMessage>
  [Symbol.asyncIterator](): AsyncIterableIterator<SocketMessage>
  /** Many messages with one system call (sendmmsg). When it fails, the error's `messagesSent` counts. */
  sendMany(messages: Array<Data | ({ data: Data } & SocketSendOptions)>, options?: WaitOptions): Promise<void>
  /** At least one, and what else is there, up to `max` (64); none at the end. */
  recvMany(options?: { max?: number; maxBytes?: number } & WaitOptions): Promise<SocketMessage[]>
  /** As the kernel counts them: twice what was asked for. Setting one leaves the other as it is. */
  get bufferSizes(): { send: number; recv: number }
  set bufferSizes(sizes: { send?: number; recv?: number })
  /** Bytes sent and not yet read by the other side, with what the kernel needs to keep them (SIOCOUTQ). */
  readonly queuedBytes: number
  /** shutdown(2): this side reads no more, or writes no more, or neither. */
  shutdown(how?: 'read' | 'write' | 'both'): void
  /**
   * Type 'stream': a Node stream that owns the socket from now on; receiving and sending here are ERR_INVALID_STATE, and destroying it
   * closes. When the other side ends, it ends as well.
   */
  duplex(): SocketDuplex
  /** Type 'stream': a net.Socket that has the descriptor from now on; this handle is closed. */
  toSocket(): Socket
}
/** A connection as a Node stream. */
export interface SocketDuplex extends Duplex {
  /**
   * Writes bytes that descriptors go with: they come with the first of these bytes. Copies are made at once. Descriptors that come
   * are told of before their bytes: an event 'fds' with an array of numbers, which are the listener's from then on. Without a listener
   * they are closed.
   */
  writeWithFds(bytes: Uint8Array, fds: Array<number | Handle>): boolean
  readonly bytesRead: number
  readonly bytesWritten: number
  /** What waits on it keeps the event loop alive. */
  ref(): this
  /** What waits on it lets the event loop end. */
  unref(): this
  /** For those who take it for a net.Socket: these change nothing. */
  setNoDelay(): this
  /** Does nothing, for those who take it for a net.Socket. */
  setKeepAlive(): this
}
/** Waits for connections. `close()` leaves the file of its path where it is. */
export class UnixListener extends Handle implements AsyncIterable<UnixSocket> {
  /**
   * Permissions (`mode`, 0o600, less the umask) hold from the start. `backlog` (511): connections that may wait, at most
   * net.core.somaxconn. `onStale`: what is done about a file that stands there, 'fail' with EADDRINUSE unless told otherwise;
   * 'replace' has it go if it is a socket of this user's that no process has open, and of all who start at once one succeeds.
   * `authorize` decides on who connects, by the kernel's word, before a byte is read: whatever is not true, or throws, turns him away.
   * An abstract name has no permissions: without `authorize` this uid alone is let in.
   */
  static listen(
    address: SocketAddress,
    options?: {
      type?: 'stream' | 'seqpacket'
      mode?: number
      backlog?: number
      onStale?: 'fail' | 'replace'
      authorize?: (peer: Credentials) => boolean
    },
  ): UnixListener
  /** Takes ownership of a descriptor that was inherited or received. `authorize` does not come with it. */
  static fromFd(fd: number): UnixListener
  readonly type: 'stream' | 'seqpacket'
  readonly address: SocketAddress
  readonly fd: number
  /** At the limit of open descriptors EMFILE: who has connected waits on. */
  accept(options?: WaitOptions): Promise<UnixSocket>
  /** Does not wait: undefined where there is none. */
  tryAccept(): UnixSocket | undefined
  /** Waits for the next connection, and blocks this thread. */
  acceptSync(options?: TimeoutOption): UnixSocket
  /** `for await` with options. */
  iterate(options?: WaitOptions): AsyncIterableIterator<UnixSocket>
  /** One connection after the other, until it is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<UnixSocket>
}
/** A message from another process. */
export interface DirectMessage extends Disposable {
  /** The process that has sent it, by the kernel's word. */
  readonly from: number
  /** Those of the sender at that moment, by the kernel's word. */
  readonly credentials: Credentials
  readonly data: Buffer
  /**
   * The handles that came with it, which are the caller's from then on; the same each time. Not taken, they are closed by dispose or
   * garbage collection. ERR_IPC_FDS_LOST where this process could not receive them: the message itself has come.
   */
  takeHandles(): Handle[]
}
/**
 * Messages between processes that know nothing of each other but their numbers. There is one in each process; a process has none until
 * it opens it.
 *
 * Sending waits until the receiver has an endpoint, and then for room; `timeout: 0` where it has none, and any form where there is no
 * such process, is ESRCH. A message longer than the kernel's buffer is EMSGSIZE: net.core.wmem_max,
 * twice, so at least 400 KiB, and at most 2 MiB.
 * What the receiver has not received when it closes its endpoint or ends is lost.
 */
export class Endpoint extends Handle implements Receiver<DirectMessage, { from?: number }> {
  /**
   * ERR_IPC_EXCLUSIVE if this process has one already, in whichever thread. ERR_IPC_UNTRUSTED_OWNER if the folder for it may have been
   * in the hands of others. Processes of other users cannot send, nor be sent to, unless `authorize` says true to them: it is asked,
   * with the kernel's word, about everybody who connects and everybody who is to be sent something.
   */
  static open(options?: { authorize?: (peer: Credentials) => boolean }): Endpoint
  /** This process. */
  readonly pid: number
  /** Waits for an endpoint of that process and for room, and blocks nothing. */
  send(pid: number, data: Data, options?: { handles?: Handle[] } & WaitOptions): Promise<void>
  /** False where it would have to wait, for an endpoint too. */
  trySend(pid: number, data: Data, options?: { handles?: Handle[] }): boolean
  /** Waits for an endpoint of that process and for room, and blocks this thread. */
  sendSync(pid: number, data: Data, options?: { handles?: Handle[] } & TimeoutOption): void
  /** `from`: what that process sends, whatever others do; without it the senders take turns. */
  recv(options?: { from?: number } & WaitOptions): Promise<DirectMessage>
  /** Does not wait: undefined where there is none. */
  tryRecv(options?: { from?: number }): DirectMessage | undefined
  /** Waits, and blocks this thread. */
  recvSync(options?: { from?: number } & TimeoutOption): DirectMessage
  iterate(options?: { from?: number } & WaitOptions): AsyncIterableIterator<DirectMessage>
  [Symbol.asyncIterator](): AsyncIterableIterator<DirectMessage>
}

/**
 * Descriptors that systemd, or a parent in its manner, hands over (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES): numbers that are the
 * caller's, close-on-exec from the first call on. That call takes the variables out of the environment; every call gives the same.
 */
export function listenFds(): Array<{ fd: number; name: string }>
/**
 * sd_notify(3): `READY=1`, `STATUS=…`, `WATCHDOG=1`; a record is a line each. `fds` for the manager's store, with FDSTORE=1. False where
 * nobody listens.
 */
export function systemdNotify(
  state: string | Record<string, string | number>,
  options?: { fds?: Array<number | Handle> },
): boolean

// Channels

/**
 * What a message is: bytes (the default: a Buffer comes out), a value that JSON has, or whatever v8.serialize takes, which is refused
 * from another uid. A top-level null or undefined is ERR_INVALID_ARG_VALUE, since null means the end.
 */
export type Codec = 'bytes' | 'json' | 'structured'
/** What can be sent where `M` is received. */
export type Sendable<M> = [M] extends [Buffer] ? Data : M

/**
 * Said by the side that makes the channel or listens. The other side may state `codec` and `checksum`, and ERR_IPC_VERSION tells of a
 * difference; `capacity: Infinity` and `maxQueued` are each side's own.
 */
export interface ChannelOptions {
  /** 'bytes'. */
  codec?: Codec
  /**
   * Bytes that each direction holds before `send` waits; rounded up to a power of two of at least a page. Default 1 MiB. 0 is a rendezvous:
   * `send` settles when a receive of the other side has taken the message. Infinity: `send` never waits, and what does not fit is kept in
   * this process, up to `maxQueued`.
   */
  capacity?: number
  /** Bytes that this process keeps for the other side, with `capacity: Infinity`; beyond it `send` rejects with ERR_IPC_LIMIT. Default 64 MiB. */
  maxQueued?: number
  /** Longer messages are EMSGSIZE for the sender, and ERR_IPC_CORRUPT from the other side. Default 16 MiB; one may be longer than the ring. */
  maxMessageSize?: number
  /** A CRC-32C with every message, checked on arrival: ERR_IPC_CORRUPT. */
  checksum?: boolean
}
/** A codec by which messages are values. */
export interface ValueCodec {
  codec: 'json' | 'structured'
}
/** What goes with a message. */
export interface ChannelSendOptions {
  /** Handles that go with the message, in its order: 253 descriptors at most. */
  handles?: Handle[]
}

/**
 * Messages over shared memory, between two processes (or two threads): a small one costs less than a call into native code. One end is used
 * by one process at a time. See docs/channel.md.
 */
export class Channel<Message extends {} = Buffer>
  extends Handle
  implements Sender<Sendable<Message>, ChannelSendOptions>, Receiver<Message>
{
  private constructor()
  /** Two connected ends. Hand one over, or inherit its `fd`: then this process's close() of that end says nothing to the other one. */
  static pair(options?: ChannelOptions & { codec?: 'bytes' }): [Channel, Channel]
  /** The same with values for messages. */
  static pair<M extends {}>(options: ChannelOptions & ValueCodec): [Channel<M>, Channel<M>]
  /** Adopts the descriptor of an end, such as an inherited one. ERR_IPC_NOT_INITIALIZED: it is no end, or one in use already. */
  static fromFd(fd: number, options?: ChannelOptions & { codec?: 'bytes' }): Channel
  /** The same with values for messages. */
  static fromFd<M extends {}>(fd: number, options: ChannelOptions & ValueCodec): Channel<M>
  /** To whoever listens there: see ChannelListener. ERR_IPC_VERSION, ERR_IPC_LIMIT where it refuses. */
  static connect(address: SocketAddress, options?: ChannelOptions & { codec?: 'bytes' } & WaitOptions): Promise<Channel>
  /** The same with values for messages. */
  static connect<M extends {}>(
    address: SocketAddress,
    options: ChannelOptions & ValueCodec & WaitOptions,
  ): Promise<Channel<M>>
  /** The control line: a seqpacket socket. */
  readonly fd: number
  /** Told by the kernel when the other end was attached; null until then. */
  readonly peer: Credentials | null
  /** ERR_IPC_PEER_DIED, or EPIPE once the other side has closed. */
  send(message: Sendable<Message>, options?: ChannelSendOptions & WaitOptions): Promise<void>
  trySend(message: Sendable<Message>, options?: ChannelSendOptions): boolean
  sendSync(message: Sendable<Message>, options?: ChannelSendOptions & TimeoutOption): void
  /** null once the other side has closed, ERR_IPC_PEER_DIED once it died without closing: either after all that it sent. */
  recv(options?: WaitOptions): Promise<Message | null>
  tryRecv(): Message | null | undefined
  recvSync(options?: TimeoutOption): Message | null
  /** Waits for one message, then takes all that are there: up to `max`, and until 256 KiB are together. Empty at the end. */
  recvMany(options?: { max?: number } & WaitOptions): Promise<Message[]>
  /** A message with the handles that came with it. Other receives close them. */
  recvEnvelope(options?: WaitOptions): Promise<Envelope<Message> | null>
  /** Does not wait: undefined where there is none. */
  tryRecvEnvelope(): Envelope<Message> | null | undefined
  /** Codec 'bytes': into memory of the caller's, which may be written to before there is a whole message. The length, or null at the end. EMSGSIZE leaves a message that is longer where it is. */
  recvInto(target: ArrayBufferView, options?: WaitOptions): Promise<number | null>
  /** Does not wait: undefined where there is no message. */
  tryRecvInto(target: ArrayBufferView): number | null | undefined
  /** Waits, and blocks this thread. */
  recvIntoSync(target: ArrayBufferView, options?: TimeoutOption): number | null
  /**
   * Sending without a copy: write into `bytes`, then commit. One at a time; sends wait behind it. More than half the ring is EMSGSIZE.
   * Codec 'bytes', and between processes of one uid, as for `borrow`; not with `capacity: 0`.
   */
  reserve(length: number, options?: WaitOptions): Promise<Reservation>
  /** Does not wait: undefined where there is no room, or others wait for it. */
  tryReserve(length: number): Reservation | undefined
  /** Receiving without a copy: `bytes` is the shared memory itself until release(). One at a time; receiving meanwhile is ERR_INVALID_STATE. */
  borrow(options?: WaitOptions): Promise<Borrowed | null>
  /** Does not wait: undefined where there is no message. */
  tryBorrow(): Borrowed | null | undefined
  /** Waits, and blocks this thread. */
  borrowSync(options?: TimeoutOption): Borrowed | null
  /** Settles when the other side has received everything that was sent before. */
  flush(options?: WaitOptions): Promise<void>
  /** Flushes, tells the other side that the stream has ended, and closes. */
  end(options?: WaitOptions): Promise<void>
  /** At once: what is in the ring stays there for the other side; what only this process held is lost, and counted in `unsent`. */
  close(): void
  readonly unsent: number
  /**
   * This end as a MessagePort, for libraries that were written for workers (Comlink, birpc, capnweb); the same one each time. From then on
   * the channel is its port's: everything else but `close` is ERR_INVALID_STATE. See docs/channel-port.md.
   */
  port(): ChannelPort<Message>
  /** `wakeups`: how often the other side had to wake this one. `waits`: how often this one had nothing to do. */
  readonly stats: {
    sent: number
    received: number
    bytesSent: number
    bytesReceived: number
    wakeups: number
    waits: number
  }
  iterate(options?: WaitOptions): AsyncIterableIterator<Message>
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>
  /** The same as `end`; closes in any case. */
  [Symbol.asyncDispose](): Promise<void>
}
/** A message that has come by a port. */
export interface ChannelPortMessage<Message = unknown> extends Event {
  readonly type: 'message'
  readonly data: Message
  /** The MessagePorts that came with it. */
  readonly ports: readonly MessagePort[]
  /** The handles that came with it; closed unless the listener asks for them before it returns. */
  readonly handles: Handle[]
  readonly origin: string
  readonly lastEventId: string
  readonly source: null
}
/**
 * Something went wrong that is not a call's own error: a message that came and could not be delivered, one that waited and could not be sent;
 * or the channel broke (ERR_IPC_PEER_DIED, ERR_IPC_CORRUPT), and 'close' is next.
 */
export interface ChannelPortError extends Event {
  readonly type: 'messageerror'
  readonly data: IpcError
}
/** The last event, and there is one only: `error` is undefined if one side has closed. */
export interface ChannelPortClose extends Event {
  readonly type: 'close'
  readonly error: IpcError | undefined
}
/** What a port tells of. */
export interface ChannelPortEvents<Message = unknown> {
  message: ChannelPortMessage<Message>
  messageerror: ChannelPortError
  close: ChannelPortClose
}
/** A listener by assignment. Written so that a port of strings is also a port of anything. */
export type ChannelPortListener<E> = { listener(event: E): void }['listener']
/** An end of a channel as a MessagePort: see `Channel.port`. Messages wait in the channel until somebody listens for them. */
export interface ChannelPort<Message = unknown> extends EventTarget, Disposable {
  /**
   * Never waits. What has no room in the channel waits here, in order, up to the channel's `maxQueued` bytes; beyond them it is
   * ERR_IPC_LIMIT. Throws what `send` rejects with for a message that cannot be sent. Once either side has closed or died it does nothing.
   *
   * `transfer`: handles, which arrive as handles (codec 'structured': in their places, too), MessagePorts, which arrive as MessagePorts,
   * and ArrayBuffers, which are detached here. Libraries differ in how they call the type of these; anything else is ERR_INVALID_ARG_TYPE.
   */
  postMessage(message: unknown, transfer?: readonly object[] | { transfer?: readonly object[] }): void
  /** For whoever calls it: a port is started by its first listener. */
  start(): void
  /** What was posted before is sent before; `channel.close()` does not wait for it. */
  close(): void
  readonly closed: boolean
  /** A port keeps the event loop alive while somebody listens for messages, and while messages wait to be sent. */
  ref(): this
  /** It lets the event loop end, but for messages that wait to be sent. */
  unref(): this
  /** Whether it keeps the event loop alive for what may come. */
  hasRef(): boolean
  /** A listener for messages, by assignment: it takes the place of the one before. */
  onmessage: ChannelPortListener<ChannelPortMessage<Message>> | null
  /** The same for what goes wrong. */
  onmessageerror: ChannelPortListener<ChannelPortError> | null
  /** The same for the end. */
  onclose: ChannelPortListener<ChannelPortClose> | null
  /** As any EventTarget. The first listener for messages starts the port. */
  addEventListener<K extends keyof ChannelPortEvents>(
    type: K,
    listener:
      | ((event: ChannelPortEvents<Message>[K]) => void)
      | { handleEvent(event: ChannelPortEvents<Message>[K]): void }
      | null,
    options?: boolean | { once?: boolean; passive?: boolean; capture?: boolean; signal?: AbortSignal },
  ): void
  /** As any EventTarget. */
  addEventListener(...of: Parameters<EventTarget['addEventListener']>): void
  /** As any EventTarget. */
  removeEventListener<K extends keyof ChannelPortEvents>(
    type: K,
    listener:
      | ((event: ChannelPortEvents<Message>[K]) => void)
      | { handleEvent(event: ChannelPortEvents<Message>[K]): void }
      | null,
    options?: boolean | { capture?: boolean },
  ): void
  /** As any EventTarget. */
  removeEventListener(...of: Parameters<EventTarget['removeEventListener']>): void
  /** With the message itself, as Node's MessagePort has it; 'messageerror' and 'close' with the error. */
  on(event: 'message', listener: (message: Message) => void): this
  /** With the error. */
  on(event: 'messageerror', listener: (error: IpcError) => void): this
  /** With the error, or undefined if one side has closed. */
  on(event: 'close', listener: (error: IpcError | undefined) => void): this
  /** The next one alone. */
  once(event: 'message', listener: (message: Message) => void): this
  /** The next one alone. */
  once(event: 'messageerror', listener: (error: IpcError) => void): this
  /** The next one alone. */
  once(event: 'close', listener: (error: IpcError | undefined) => void): this
  /** Listens no more, by `on`, `once` or addEventListener. */
  off(event: keyof ChannelPortEvents, listener: ((message: Message) => void) | ((error: IpcError) => void)): this
  /** As `on`. */
  addListener: ChannelPort<Message>['on']
  /** As `off`. */
  removeListener: ChannelPort<Message>['off']
}
/** Handles that are not taken are closed by dispose or by garbage collection. */
export interface Envelope<M> extends Disposable {
  readonly message: M
  /** They are the caller's from then on; the same each time. */
  takeHandles(): Handle[]
}
/** Room in the ring, for a message that is written there. */
export interface Reservation extends Disposable {
  readonly bytes: Uint8Array
  /** Sends it, or its first `length` bytes. */
  commit(length?: number): void
  /** Gives the room up; nothing is sent. */
  cancel(): void
}
/** A message where it stands in the ring. */
export interface Borrowed extends Disposable {
  readonly bytes: Uint8Array
  /** Gives the room back. `bytes` is empty then. */
  release(): void
}

/** How to listen, and whom to let in. */
export interface ListenOptions {
  /** Permissions of the socket's file. 0o600. */
  mode?: number
  /** Whether a socket's file that nobody listens on may be replaced: 'fail'. */
  onStale?: 'fail' | 'replace'
  /** Who may connect: processes of this uid, unless this says otherwise. One that throws refuses. */
  authorize?: (peer: Credentials) => boolean
  /** Channels open at once; whoever comes then is refused with ERR_IPC_LIMIT. No limit. */
  maxConnections?: number
  /** Milliseconds for the other side to say hello. 5,000. */
  handshakeTimeout?: number
}
/** Gives a channel to each process that connects to its address. */
export class ChannelListener<Message extends {} = Buffer> extends Handle implements AsyncIterable<Channel<Message>> {
  private constructor()
  /** Listens from when this returns. EADDRINUSE if somebody does already. */
  static listen(address: SocketAddress, options?: ListenOptions & ChannelOptions & { codec?: 'bytes' }): ChannelListener
  /** The same with values for messages. */
  static listen<M extends {}>(
    address: SocketAddress,
    options: ListenOptions & ChannelOptions & ValueCodec,
  ): ChannelListener<M>
  readonly address: SocketAddress
  /** Waits for the next channel, and blocks nothing. */
  accept(options?: WaitOptions): Promise<Channel<Message>>
  /** Does not wait: undefined where there is none. */
  tryAccept(): Channel<Message> | undefined
  /** Waits for the next channel, and blocks this thread. */
  acceptSync(options?: TimeoutOption): Channel<Message>
  /** `for await` with options. */
  iterate(options?: WaitOptions): AsyncIterableIterator<Channel<Message>>
  /** One channel after the other, until it is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Channel<Message>>
}

// Topics

/**
 * Said by whoever makes the topic, by opening it first. Whoever opens it later may state `codec` and `overflow`, and ERR_IPC_VERSION tells
 * of a difference; the other options mean nothing then.
 */
export interface TopicOptions {
  /** 'bytes'. 'structured' is refused where others than this user may write. */
  codec?: Codec
  /**
   * Bytes of the ring; rounded up to a power of two of at least a page. Default 1 MiB. A longer message is EMSGSIZE; each takes 8 bytes
   * more than its own.
   */
  capacity?: number
  /**
   * What becomes of a publish while there is no room. 'wait' (the default): it waits for the slowest subscriber. 'drop-oldest': it never
   * waits, and whoever has not received the oldest messages yet misses them.
   */
  overflow?: 'wait' | 'drop-oldest'
  /** 64; at most 4,096. One more is ERR_IPC_LIMIT. */
  maxSubscribers?: number
  /**
   * Permissions of the topic's file, less the umask: 0o600. Whoever takes part, also to subscribe alone, has to be able to write. With bits
   * for others a topic that belongs to another user is opened too; without, that is ERR_IPC_UNTRUSTED_OWNER.
   */
  mode?: number
}

/**
 * Messages from many to many, between processes: each subscriber receives all that is published, at its own pace, out of one ring in shared
 * memory. See docs/topic.md.
 */
export class Topic<Message extends {} = Buffer> extends Handle {
  private constructor()
  /**
   * Opens the topic, or makes it. The address is the path of a file, or '@name', which is a file in /dev/shm. The topic stays, with its last
   * messages, when all have gone: `Topic.unlink` ends it.
   */
  static open(address: SocketAddress, options?: TopicOptions & { codec?: 'bytes' }): Topic
  static open<M extends {}>(address: SocketAddress, options: TopicOptions & ValueCodec): Topic<M>
  /** Ends the topic and removes its name: subscribers receive what is there and then null, publishing is EIDRM. ENOENT if there is none. */
  static unlink(address: SocketAddress): void
  /** As it was opened; null where it was handed over without one. */
  readonly address: SocketAddress | null
  readonly codec: Codec
  readonly overflow: 'wait' | 'drop-oldest'
  readonly capacity: number
  readonly maxSubscribers: number
  /** Settles when the message is in the ring. Publishes of one handle keep their order. */
  publish(message: Sendable<Message>, options?: WaitOptions): Promise<void>
  /** false if it would have to wait: for room, for publishes before it, or for another publisher that is at it this moment. */
  tryPublish(message: Sendable<Message>): boolean
  /** Waits for room where there has to be some, and blocks this thread. */
  publishSync(message: Sendable<Message>, options?: TimeoutOption): void
  /**
   * Receives what is published from when this settles on; with `history` the last so many messages that are still there first (Infinity: all
   * of them). ERR_IPC_LIMIT if there are `maxSubscribers` already. It goes on when the topic's handle is closed.
   */
  subscribe(options?: { history?: number } & WaitOptions): Promise<Subscription<Message>>
}

/** One subscriber of a topic. */
export class Subscription<Message extends {} = Buffer> extends Handle implements Receiver<Message> {
  private constructor()
  /** null, and an empty array from `recvMany`, once the topic was unlinked and everything is received. */
  recv(options?: WaitOptions): Promise<Message | null>
  tryRecv(): Message | null | undefined
  recvSync(options?: TimeoutOption): Message | null
  /** Waits for one, then takes all that are there, up to `max` messages and until 256 KiB are together. */
  recvMany(options?: { max?: number } & WaitOptions): Promise<Message[]>
  iterate(options?: WaitOptions): AsyncIterableIterator<Message>
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>
  /** Messages that 'drop-oldest' took from this subscriber. */
  readonly missed: number
}

// Remote procedure calls

// biome-ignore-start lint/suspicious/noExplicitAny: methods that nobody has described take and give anything
/** What a handler is told of its call. */
export interface CallContext {
  /** Who calls, by the kernel's word. */
  readonly peer: Credentials
  /** Aborted when the caller gives up, times out or dies, and when the server closes. */
  readonly signal: AbortSignal
  /** What came along with `handles`: the handler's own once it has looked. Never looked at, they are closed. */
  readonly handles: Handle[]
  /** Disposes of something once the call has ended and its answer is sent. Gives it back. */
  use<T extends Disposable>(disposable: T): T
}
/** What can be called. Only what is the object's own counts. */
export type Methods = Record<string, (params: any, context: CallContext) => unknown>
/** The same of an interface, whose members TypeScript does not take for those of a Record. */
type MethodsOf<Api> = { [K in keyof Api]: (params: any, context: CallContext) => unknown }
/** What the handler threw, or what the server says of a call. Only local conditions (timeout, abort, death, close) have string codes. */
export class RpcError extends Error {
  /** For a handler to throw: `code` and `data` are the JSON-RPC error's. */
  constructor(message?: string, options?: ErrorOptions & { code?: number; data?: unknown })
  /** As JSON-RPC has it: -32000 where the handler gave none. */
  readonly code: number
  readonly data: unknown
  /** What was thrown: its own name, code and message. null where the server told none. */
  readonly remote: { name: string; code?: string | number; message: string } | null
}
/** How calls are served. */
export interface RpcServeOptions extends ListenOptions {
  /** How many calls run at once; others wait for their turn. No limit. */
  concurrency?: number
  /** Of the channels of an address: 'json' by default. 'structured' for processes of one uid. */
  codec?: 'json' | 'structured'
}
/** How to connect to a server. */
export interface RpcConnectOptions extends WaitOptions {
  /** What the server has to speak: a difference is ERR_IPC_VERSION. */
  codec?: 'json' | 'structured'
}
/** JSON-RPC 2.0, over channels, seqpacket sockets (a frame is a packet) and stream sockets (with Content-Length headers). */
export const rpc: {
  /** An address becomes a ChannelListener's. What is given belongs to the server from then on, which closes it. */
  serve(
    target: SocketAddress | Channel<any> | ChannelListener<any> | UnixListener,
    methods: Methods,
    options?: RpcServeOptions,
  ): RpcServer
  /** The same with methods that an interface describes. */
  serve<Api extends MethodsOf<Api>>(
    target: SocketAddress | Channel<any> | ChannelListener<any> | UnixListener,
    methods: Api,
    options?: RpcServeOptions,
  ): RpcServer
  /** An address is a ChannelListener's, or else a stream socket's. What is given belongs to the client from then on. */
  connect<Api extends object = any>(
    target: SocketAddress | Channel<any> | UnixSocket,
    options?: RpcConnectOptions,
  ): Promise<RpcClient<Api>>
}
/** What serves calls, until it is closed. */
export interface RpcServer extends Handle {
  /** Connections that are open. */
  readonly clients: number
  /** Takes no more callers and no more calls, lets those end that have begun, then closes. */
  drain(options?: WaitOptions): Promise<void>
  /** The same as `drain`. */
  [Symbol.asyncDispose](): Promise<void>
}
type RpcParam<F> = F extends (params: infer P, ...rest: any[]) => any ? P : unknown
/** To be left out where the method can do without. */
type RpcParams<F> = undefined extends RpcParam<F> ? [params?: RpcParam<F>] : [params: RpcParam<F>]
type RpcArguments<F, Options> = [...RpcParams<F>, options?: Options]
/** What is given one by one comes together as an array. */
type RpcGathered<R> = R extends Handle ? R : R extends AsyncIterable<infer I> | IterableIterator<infer I> ? I[] : R
type RpcResult<F> = F extends (...args: any[]) => infer R ? RpcGathered<Awaited<R>> : any
type RpcItem<F> = F extends (...args: any[]) => infer R
  ? Awaited<R> extends AsyncIterable<infer I> | Iterable<infer I>
    ? I
    : Awaited<R>
  : any
/** One call of a batch. */
type RpcBatchCall<Api> = { [K in keyof Api & string]: [method: K, ...RpcParams<Api[K]>] }[keyof Api & string]
type RpcBatchResults<Api, C> = {
  -readonly [I in keyof C]: C[I] extends readonly [infer K extends keyof Api, ...any]
    ? PromiseSettledResult<RpcResult<Api[K]>>
    : never
}
/** Calls of a server's methods. */
export interface RpcClient<Api extends object = any> extends Handle {
  /** Fails with RpcError; with ERR_IPC_PEER_DIED if the server died, and `delivered: 'no'` where it was never sent. Abort and timeout cancel the work on the server too. */
  call<K extends keyof Api & string>(
    method: K,
    ...rest: RpcArguments<Api[K], { handles?: Handle[] } & WaitOptions>
  ): Promise<RpcResult<Api[K]>>
  /** Blocks this thread. Answers to other calls reach them meanwhile. */
  callSync<K extends keyof Api & string>(method: K, ...rest: RpcArguments<Api[K], TimeoutOption>): RpcResult<Api[K]>
  /** Settles when it is sent. Nobody tells what became of it. */
  notify<K extends keyof Api & string>(method: K, ...params: RpcParams<Api[K]>): Promise<void>
  /** What the server gives one by one, as fast as it is taken. Leaving the loop ends it there. `timeout` is for each of them. */
  stream<K extends keyof Api & string>(
    method: K,
    ...rest: RpcArguments<Api[K], WaitOptions>
  ): AsyncIterableIterator<RpcItem<Api[K]>>
  /** The same where the type of what comes is known here alone. */
  stream<R>(method: keyof Api & string, params?: unknown, options?: WaitOptions): AsyncIterableIterator<R>
  /** Many calls in one frame; what became of each. */
  batch<const C extends readonly RpcBatchCall<Api>[]>(calls: C, options?: WaitOptions): Promise<RpcBatchResults<Api, C>>
  /** Answers that came when nobody waited for them any more, and frames that were no answers. */
  readonly dropped: number
}
// biome-ignore-end lint/suspicious/noExplicitAny: methods that nobody has described take and give anything

// Processes with handles, many of them, and whichever comes first

/** Handles for a child. */
export interface SpawnHandles {
  /** What the child is given, under names of your own: `inherited(name)` there. A Channel, PipeReader or PipeWriter moves: it is closed here once the child has started. */
  handles?: Record<string, Handle>
}
/**
 * child_process.spawn, with open handles for the child. Everything else is Node's: if the child cannot be started, handles stay as they
 * were. Programs that are not Node's find the descriptors in their environment: see docs/processes.md.
 */
export function spawn(command: string): ChildProcessWithoutNullStreams
export function spawn(command: string, args: readonly string[]): ChildProcessWithoutNullStreams
export function spawn(command: string, options: SpawnOptionsWithoutStdio & SpawnHandles): ChildProcessWithoutNullStreams
export function spawn(command: string, options: SpawnOptions & SpawnHandles): ChildProcess
export function spawn(
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio & SpawnHandles,
): ChildProcessWithoutNullStreams
export function spawn(command: string, args: readonly string[], options: SpawnOptions & SpawnHandles): ChildProcess
/**
 * The handle that `spawn` gave to this process under that name; the same object each time. ERR_IPC_NO_SUCH_HANDLE names those that were
 * given. In the main thread alone: ERR_INVALID_STATE in a worker.
 */
export function inherited<H extends Handle = Handle>(name: string): H

/** How a pool is made. */
export interface WorkerPoolOptions {
  /** How many processes: as many as there are cores. */
  size?: number
  /** What each worker is given, for `inherited`. None that moves, such as a Channel. */
  handles?: Record<string, Handle>
  /** Node's own options for the workers: this process's. */
  execArgv?: string[]
  env?: NodeJS.ProcessEnv
}
/** How a task is done. */
export interface RunOptions extends WaitOptions {
  /** They go along with the task: `context.handles` in the worker. */
  handles?: Handle[]
  /** Whether the task may be done again, by another worker, if the one that works on it dies. Three times at most. */
  retry?: boolean
}
/**
 * Child processes for tasks, with a channel each. The module's default export is `(task, context: CallContext) => result`; tasks and results
 * are whatever v8.serialize takes. A worker that dies is replaced. If none starts, ERR_IPC_NOT_INITIALIZED tells why.
 */
export class WorkerPool extends Handle {
  private constructor()
  /** Starts the processes, which import the module. */
  static start(modulePath: string | URL, options?: WorkerPoolOptions): WorkerPool
  /**
   * Settles with what the task gives, or rejects with what it throws: name, message and `code` are kept. ERR_IPC_PEER_DIED if its worker died.
   * Abort and timeout abort the context's signal; a worker that has not left the task 2 seconds later is killed.
   */
  // biome-ignore lint/suspicious/noExplicitAny: nothing is known of what a task gives
  run<R = any>(task: unknown, options?: RunOptions): Promise<R>
  readonly size: number
  /** Tasks that have no result yet. */
  readonly pending: number
  /** Takes no more tasks (ERR_INVALID_STATE), waits for those there are and for the workers to end, and closes. Also Symbol.asyncDispose. */
  drain(options?: WaitOptions): Promise<void>
  /** At once: tasks without a result are ERR_IPC_CLOSED. */
  close(): void
  /** The same as `drain`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What `select` takes from. */
// biome-ignore lint/suspicious/noExplicitAny: whatever its channels carry
export type Selectable = Receiver<unknown> | Permits | ProcessHandle | UnixListener | ChannelListener<any>
/** What it takes from one: a message (null at the end), a connection, an exit, or `true` for a permit. */
export type Taken<S> = S extends { recv(options?: never): Promise<infer M> }
  ? M
  : S extends { accept(options?: never): Promise<infer C> }
    ? C
    : S extends ProcessHandle
      ? ExitStatus | null
      : true
/**
 * Waits on many sources and takes from exactly one, as `recv`, `accept`, `acquire` or `exited` would without options: of those that are
 * ready the one that has waited for longest. One that has ended gives null (a process its status) once, and is left out from then on while
 * others are left. One that fails rejects it, with its name as the error's `source`.
 */
export function select<S extends Record<string, Selectable>>(
  sources: S,
  options?: WaitOptions,
): Promise<{ [K in keyof S & string]: [K, Taken<S[K]>] }[keyof S & string]>

// What there is

/** What kind of object it is. */
export type IpcKind =
  | 'sysv-queue'
  | 'sysv-semaphores'
  | 'sysv-memory'
  | 'posix-queue'
  | 'posix-semaphore'
  | 'posix-memory'
  | 'fifo'
  | 'socket'
/** An object that stands on this machine. */
export interface IpcObject {
  kind: IpcKind
  /** As the class opens it: `/name`, a path, `@name` of an abstract socket, '' of a socket that has none. Of System V objects the key, as ipcs(1) has it. */
  name: string
  /** Of System V objects; of a socket its inode. */
  id?: number
  /** Of System V objects: signed, as C has it. */
  key?: number
  /** Whose it is; -1 where the kernel does not tell (sockets, before Linux 5.3). */
  uid: number
  /** Permission bits. 0 for what has none. */
  mode: number
  /** Its size, or the bytes that wait in it. Missing where this user may not know. */
  bytes?: number
  /** That wait in it; of a listener, connections. */
  messages?: number
  /** Of a set. */
  semaphores?: number
  /** How often System V memory is attached, by whomever. */
  attached?: number
  /** Processes that have it open or mapped, as far as this user may see. System V queues and sets cannot be held open. */
  holders?: number[]
  /** When it was made, in milliseconds since 1970; of System V objects, when they were made or `set` last; of POSIX queues, when they were made or used last. */
  created?: number
  /** Of sockets. */
  type?: SocketType
  listening?: boolean
}
/** What to list. */
export interface ListOptions {
  kinds?: IpcKind[]
  /** Where to look for FIFOs and sockets' files too, beside /run, /tmp, /var/tmp, XDG_RUNTIME_DIR and this package's own: each with the two levels of folders below it. */
  folders?: Array<string | URL>
}
/**
 * What of IPC stands on this machine, as far as this user may see. Without /proc the kinds of System V are ERR_IPC_NOT_SUPPORTED. POSIX
 * queues: all of them as root, or where their file system is mounted; otherwise those that processes of this user hold open.
 */
export function list(options?: ListOptions): IpcObject[]
/** Removes what this package made for itself (its sockets, lock files and sets, objects named by null) and whose owner is proven dead; never what the user named. Tells what it removed, or with `dryRun` what it would. */
export function cleanup(options?: { dryRun?: boolean }): IpcObject[]
/** The limits that IPC comes upon, by the names that sysctl(8) and getrlimit(2) have for them, and '/dev/shm' for its size. Infinity where there is none. */
export function limits(): Record<string, number>
