/** What TypeScript makes of endpoints: compiled by `npm run lint`, never run. */
import { type Credentials, type DirectMessage, Endpoint, type Handle, PipeReader } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const endpoint = Endpoint.open({
  authorize: (peer) => {
    same<typeof peer, Credentials>()
    return peer.uid === 0
  },
})

export async function messages() {
  const handles = [PipeReader.fromFd(3)]
  await endpoint.send(1, 'text', { handles, timeout: 5, signal })
  const sent = endpoint.trySend(endpoint.pid, new Uint8Array(1), { handles })
  same<typeof sent, boolean>()
  endpoint.sendSync(1, Buffer.alloc(1), { timeout: 5 })
  const message = await endpoint.recv({ from: 1, timeout: 5, signal })
  same<typeof message, DirectMessage>()
  const taken = endpoint.tryRecv({ from: 1 })
  same<typeof taken, DirectMessage | undefined>()
  const waited = endpoint.recvSync({ from: 1, timeout: 5 })
  same<typeof waited.data, Buffer>()
  same<typeof waited.credentials, Credentials>()
  const own: Handle[] = waited.takeHandles()
  for await (const each of endpoint) same<typeof each, DirectMessage>()
  for await (const each of endpoint.iterate({ from: 1, signal })) same<typeof each, DirectMessage>()
  // @ts-expect-error of whom it is to be is a number
  endpoint.recv({ from: 'me' })
  // @ts-expect-error descriptors are no handles
  endpoint.send(1, '', { handles: [3] })
  // @ts-expect-error a blocking form cannot be aborted
  endpoint.recvSync({ signal })
  // @ts-expect-error made by open alone
  new Endpoint()
  const base: Handle = endpoint
  return [base, own]
}
