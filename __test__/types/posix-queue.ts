/** What TypeScript makes of POSIX message queues: compiled by `npm run lint`, never run. */
import { type Data, type Handle, type PosixMessage, PosixMessageQueue, type Receiver, type Sender } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const queue = PosixMessageQueue.open(null, {
  create: true,
  exclusive: true,
  mode: 0o600,
  maxMessages: 1,
  maxMessageSize: 8,
  access: 'rw',
})

export async function messages() {
  const received = await queue.recv({ timeout: 5, signal })
  same<typeof received, PosixMessage>()
  same<PosixMessage, { data: Buffer; priority: number }>()
  const tried = queue.tryRecv()
  same<typeof tried, PosixMessage | undefined>()
  const blocked = queue.recvSync({ timeout: 5 })
  same<typeof blocked, PosixMessage>()
  for await (const message of queue) same<typeof message, PosixMessage>()
  for await (const { data, priority } of queue.iterate({ signal })) {
    same<typeof data, Buffer>()
    same<typeof priority, number>()
  }
  const sent = await queue.send('text', { priority: 9, timeout: 5, signal })
  same<typeof sent, void>()
  const took = queue.trySend(new Uint8Array(8), { priority: 1 })
  same<typeof took, boolean>()
  queue.sendSync(new SharedArrayBuffer(8), { priority: 1, timeout: 5 })
  const notified = await queue.notify({ timeout: 5, signal })
  same<typeof notified, void>()
}

export function kinds() {
  const handle: Handle = queue
  const sender: Sender<Data, { priority?: number }> = queue
  const receiver: Receiver<PosixMessage> = queue
  const again: PosixMessageQueue = queue.dup().ref().unref()
  const adopted: PosixMessageQueue = PosixMessageQueue.fromFd(queue.detach())
  PosixMessageQueue.unlink('/name')
  adopted.unlink()
  same<typeof queue.name, string | null>()
  same<typeof queue.size, number>()
  same<typeof queue.maxMessages, number>()
  same<typeof queue.maxMessageSize, number>()
  return [handle, sender, receiver, again]
}

export function refused() {
  // @ts-expect-error
  new PosixMessageQueue()
  // @ts-expect-error
  PosixMessageQueue.open(undefined)
  // @ts-expect-error
  PosixMessageQueue.open('/x', { access: 'x' })
  // @ts-expect-error
  queue.send(5)
  // @ts-expect-error
  queue.sendSync('x', { signal })
  // @ts-expect-error
  queue.recvSync({ signal })
  // @ts-expect-error
  queue.maxMessages = 5
}
