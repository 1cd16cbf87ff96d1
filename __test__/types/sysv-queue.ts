/** What TypeScript makes of System V message queues: compiled by `npm run lint`, never run. */
import {
  type Data,
  ftok,
  type Handle,
  type Receiver,
  type Sender,
  type SysvKey,
  type SysvMessage,
  SysvMessageQueue,
  type SysvOpenOptions,
  type SysvPermissions,
  type SysvQueueStat,
  type SysvSelect,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const options: SysvOpenOptions = { create: true, exclusive: true, mode: 0o600 }
const queue = SysvMessageQueue.open('private', options)

export async function messages() {
  const received = await queue.recv({ type: -5, except: false, truncate: 8, timeout: 5, signal })
  same<typeof received, SysvMessage>()
  same<SysvMessage, { data: Buffer; type: number; fullLength?: number }>()
  const tried = queue.tryRecv({ type: 5, except: true })
  same<typeof tried, SysvMessage | undefined>()
  const blocked = queue.recvSync({ type: 5, timeout: 5 })
  same<typeof blocked, SysvMessage>()
  const seen = queue.peek(2)
  same<typeof seen, SysvMessage | undefined>()
  for await (const message of queue) same<typeof message, SysvMessage>()
  for await (const { data, type } of queue.iterate({ type: 1, signal })) {
    same<typeof data, Buffer>()
    same<typeof type, number>()
  }
  const sent = await queue.send('text', { type: 9, timeout: 5, signal })
  same<typeof sent, void>()
  const took = queue.trySend(new Uint8Array(8), { type: 1 })
  same<typeof took, boolean>()
  queue.sendSync(new SharedArrayBuffer(8), { type: 1, timeout: 5 })
}

export function kinds() {
  const handle: Handle = queue
  const sender: Sender<Data, { type?: number }> = queue
  const receiver: Receiver<SysvMessage, SysvSelect> = queue
  const again: SysvMessageQueue = queue.dup().ref().unref()
  const key: SysvKey = ftok(new URL('file:///etc'), 5)
  const found: SysvMessageQueue = SysvMessageQueue.open(key)
  const same_: SysvMessageQueue = SysvMessageQueue.fromId(queue.id)
  same<typeof queue.id, number>()
  same<typeof queue.key, number>()
  const stat: SysvQueueStat = queue.stat()
  const permissions: SysvPermissions = stat
  same<typeof stat.lastSendTime, Date | null>()
  same<typeof stat.changeTime, Date>()
  queue.set({ uid: 1, gid: 2, mode: 0o600, maxBytes: 1000 })
  queue.set({})
  queue.remove()
  return [handle, sender, receiver, again, found, same_, permissions]
}

export function refused() {
  // @ts-expect-error
  new SysvMessageQueue()
  // @ts-expect-error
  SysvMessageQueue.open()
  // @ts-expect-error
  SysvMessageQueue.open('public')
  // @ts-expect-error
  SysvMessageQueue.fromId('5')
  // @ts-expect-error
  queue.id = 5
  // @ts-expect-error
  queue.send('x', { type: '1' })
  // @ts-expect-error
  queue.trySend('x', { timeout: 5 })
  // @ts-expect-error
  queue.recvSync({ signal })
  // @ts-expect-error
  queue.set()
  // @ts-expect-error
  ftok('/etc')
}
