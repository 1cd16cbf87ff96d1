/** What TypeScript makes of listeners, streams over sockets and services: compiled by `npm run lint`, never run. */
import type { Socket } from 'node:net'
import {
  type Credentials,
  type Handle,
  listenFds,
  type SocketDuplex,
  systemdNotify,
  UnixListener,
  UnixSocket,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const listener = UnixListener.listen('@name', {
  type: 'seqpacket',
  mode: 0o660,
  backlog: 8,
  onStale: 'replace',
  authorize: (peer) => {
    same<typeof peer, Credentials>()
    return peer.uid === 0
  },
})

export async function connections() {
  const accepted = await listener.accept({ timeout: 5, signal })
  same<typeof accepted, UnixSocket>()
  const tried = listener.tryAccept()
  same<typeof tried, UnixSocket | undefined>()
  const blocked = listener.acceptSync({ timeout: 5 })
  same<typeof blocked, UnixSocket>()
  for await (const socket of listener) same<typeof socket, UnixSocket>()
  for await (const socket of listener.iterate({ signal })) same<typeof socket, UnixSocket>()
  const base: Handle = UnixListener.fromFd(3)
  // @ts-expect-error nobody connects to datagram sockets
  UnixListener.listen('/path', { type: 'datagram' })
  // @ts-expect-error made by listen alone
  new UnixListener()
  return base
}

export function streams() {
  const [one] = UnixSocket.pair()
  const stream = one.duplex()
  same<typeof stream, SocketDuplex>()
  const flows = stream.writeWithFds(Buffer.from('x'), [3, listener])
  same<typeof flows, boolean>()
  // @ts-expect-error bytes alone
  stream.writeWithFds('x', [])
  const socket = one.toSocket()
  same<typeof socket, Socket>()
  const back = UnixSocket.fromSocket(socket)
  same<typeof back, UnixSocket<'stream'>>()
  UnixSocket.bind('/path', { mode: 0o600, onStale: 'fail' })
}

export function services() {
  const fds = listenFds()
  same<typeof fds, Array<{ fd: number; name: string }>>()
  const heard = systemdNotify({ READY: 1, STATUS: 'ready' }, { fds: [3, listener] })
  same<typeof heard, boolean>()
  systemdNotify('WATCHDOG=1')
  // @ts-expect-error text or numbers alone
  systemdNotify({ READY: true })
}
