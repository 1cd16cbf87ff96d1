/** What TypeScript makes of pipes, FIFOs and pipelines: compiled by `npm run lint`, never run. */
import type { Readable, Writable } from 'node:stream'
import {
  type Data,
  type ExitStatus,
  Fifo,
  Handle,
  type IpcError,
  PipeReader,
  PipeWriter,
  pipe,
  pipeline,
  type Receiver,
  type Sender,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { reader, writer } = pipe({ capacity: 1 << 20, packet: true })
const bytes = Buffer.alloc(8)
const { signal } = new AbortController()

export async function pipes() {
  const received = await reader.recv({ maxBytes: 10, timeout: 5, signal })
  same<typeof received, Buffer | null>()
  const tried = reader.tryRecv()
  same<typeof tried, Buffer | null | undefined>()
  const blocked = reader.recvSync({ timeout: 5 })
  same<typeof blocked, Buffer | null>()
  const count = await reader.recvInto(new Float64Array(4), { timeout: 0 })
  same<typeof count, number>()
  for await (const piece of reader) same<typeof piece, Buffer>()
  for await (const piece of reader.iterate({ maxBytes: 1, signal })) same<typeof piece, Buffer>()

  const sent = await writer.send('text', { signal })
  same<typeof sent, void>()
  const took = writer.trySend(new DataView(new ArrayBuffer(8)))
  same<typeof took, number>()
  writer.sendSync(new SharedArrayBuffer(8), { timeout: Number.POSITIVE_INFINITY })

  same<typeof reader.fd, number>()
  same<ReturnType<typeof reader.readable>, Readable>()
  same<ReturnType<typeof writer.writable>, Writable>()
  const moved: number = (await reader.spliceTo(writer, { bytes: 9 })) + (await writer.spliceFrom(0))
  return moved
}

export function handles() {
  const copy = reader.dup().ref().unref()
  same<typeof copy, PipeReader>()
  const handle: Handle = writer
  const disposable: Disposable = handle
  const sender: Sender<Data, unknown, number> = writer
  const receiver: Receiver<Buffer, { maxBytes?: number }> = reader
  const number: number = PipeReader.fromFd(0).detach() + PipeWriter.fromFd(1).detach()
  handle.pendingLimit = 10
  return { disposable, sender, receiver, number }
}

export async function fifos() {
  const fifo = Fifo.create('/tmp/a', { mode: 0o600, exclusive: false })
  const opened = await Promise.all([
    fifo.openReader({ timeout: 1 }),
    Fifo.at(new URL('file:///b')).openWriter({ signal }),
  ])
  same<typeof opened, [PipeReader, PipeWriter]>()
}

export async function pipelines() {
  const line = pipeline([['ls', '-l'], ['sort'] as const], { stdin: 'ignore', stderr: writer, cwd: '/', signal })
  same<typeof line.stdin, PipeWriter | null>()
  const statuses = await line.status({ timeout: 1 })
  same<typeof statuses, ExitStatus[]>()
}

export function errors(error: IpcError) {
  if (error.code === 'ERR_IPC_CLOSED' || error.code === 'EPIPE') return error.errno
  return error.bytesSent
}

// @ts-expect-error There is no such value
export type { PipeEnd } from 'os-ipc'

export function refused() {
  // @ts-expect-error A number is no data
  writer.trySend(1)
  // @ts-expect-error Blocking calls cannot be aborted
  reader.recvSync({ signal })
  // @ts-expect-error Nothing waits here
  reader.tryRecv({ timeout: 1 })
  // @ts-expect-error Only memory can be read into
  reader.recvInto('text')
  // @ts-expect-error An option that does not exist
  pipe({ size: 1 })
  // @ts-expect-error Ends are made by pipe, fromFd and Fifo
  new Handle()
  // @ts-expect-error What tells about a handle is not set
  reader.capacity = 1
  // @ts-expect-error The wrong end
  writer.spliceFrom(writer)
  // @ts-expect-error stdio is what pipeline itself connects
  pipeline([['ls']], { stdio: 'inherit' })
  return bytes
}
