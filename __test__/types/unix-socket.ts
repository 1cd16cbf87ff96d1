/** What TypeScript makes of Unix sockets: compiled by `npm run lint`, never run. */
import { type Credentials, type ProcessHandle, pipe, type Receiver, SocketMessage, UnixSocket } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const { reader } = pipe()

export async function sockets() {
  const [one, other] = UnixSocket.pair()
  same<typeof one, UnixSocket<'stream'>>()
  const [packets] = UnixSocket.pair('seqpacket')
  same<typeof packets.type, 'seqpacket'>()
  const connected = await UnixSocket.connect('/run/x', { type: 'datagram', timeout: 5, signal })
  same<typeof connected, UnixSocket<'datagram'>>()
  const stream = await UnixSocket.connect('@x')
  same<typeof stream, UnixSocket<'stream'>>()
  same<ReturnType<typeof UnixSocket.bind>, UnixSocket<'datagram'>>()
  UnixSocket.bind('auto', { mode: 0o660 })
  same<ReturnType<typeof UnixSocket.fromFd>, UnixSocket>()

  await one.send('x', { fds: [0, reader, other], timeout: 1, signal })
  const bytes = one.trySend(new Uint8Array(1))
  same<typeof bytes, number>()
  const whole = packets.trySend(new Uint8Array(1), { to: '@x' })
  same<typeof whole, boolean>()
  packets.sendSync('x', { to: '@x', timeout: 1 })
  await packets.sendMany(['x', new ArrayBuffer(1), { data: 'y', fds: [0], to: '@x' }], { signal })

  const message = await other.recv({ maxBytes: 1, signal })
  same<typeof message, SocketMessage | null>()
  const tried = other.tryRecv({ maxBytes: 1 })
  same<typeof tried, SocketMessage | null | undefined>()
  other.recvSync({ timeout: 1 })
  const many = await other.recvMany({ max: 10, maxBytes: 1, timeout: 1 })
  same<typeof many, SocketMessage[]>()
  for await (const { data, credentials, fds, from, truncated } of other) {
    same<typeof data, Buffer>()
    same<typeof credentials, Credentials | null>()
    same<typeof fds, number[]>()
    same<typeof from, string | null>()
    same<typeof truncated, boolean>()
  }
  for await (const one of other.iterate({ maxBytes: 4, signal })) same<typeof one, SocketMessage>()

  same<typeof one.peer, Credentials | null>()
  same<ReturnType<typeof one.peerProcess>, ProcessHandle | undefined>()
  one.bufferSizes = { send: 1 }
  same<typeof one.bufferSizes, { send: number; recv: number }>()
  one.shutdown('write')
  const receiver: Receiver<SocketMessage> = other
  receiver.tryRecv()

  // @ts-expect-error no such type
  UnixSocket.pair('tcp')
  // @ts-expect-error made by receives alone
  new SocketMessage()
}
