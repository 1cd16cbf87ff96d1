/** What TypeScript makes of channels: compiled by `npm run lint`, never run. */
import {
  type Borrowed,
  Channel,
  ChannelListener,
  type ChannelPort,
  type ChannelPortMessage,
  type Data,
  type Envelope,
  type Handle,
  type IpcError,
  type Receiver,
  type Reservation,
  type Sender,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const [bytes, other] = Channel.pair({ capacity: 4096, checksum: true, maxMessageSize: 10, maxQueued: 10 })
same<typeof bytes, Channel>()
same<Awaited<ReturnType<typeof bytes.recv>>, Buffer | null>()
same<ReturnType<typeof bytes.tryRecv>, Buffer | null | undefined>()
same<ReturnType<typeof bytes.recvSync>, Buffer | null>()
same<Awaited<ReturnType<typeof bytes.recvMany>>, Buffer[]>()
same<Awaited<ReturnType<typeof bytes.recvEnvelope>>, Envelope<Buffer> | null>()
same<Awaited<ReturnType<typeof bytes.recvInto>>, number | null>()
same<Awaited<ReturnType<typeof bytes.borrow>>, Borrowed | null>()
same<Awaited<ReturnType<typeof bytes.reserve>>, Reservation>()
same<ReturnType<typeof bytes.tryReserve>, Reservation | undefined>()

const sender: Sender<Data> = bytes
const receiver: Receiver<Buffer> = bytes
const handle: Handle = other
await bytes.send('text', { handles: [handle], timeout: 1, signal })
await bytes.send(new Uint8Array(1))
bytes.trySend(new ArrayBuffer(1), { handles: [handle] })
bytes.sendSync(new DataView(new ArrayBuffer(1)), { timeout: 1 })
// @ts-expect-error a value is no message of bytes
await bytes.send({ a: 1 })
// @ts-expect-error a blocking call cannot be aborted
bytes.sendSync('x', { signal })

interface Job {
  id: number
  text?: string
}
const [json] = Channel.pair<Job>({ codec: 'json' })
same<typeof json, Channel<Job>>()
same<Awaited<ReturnType<typeof json.recv>>, Job | null>()
await json.send({ id: 1 })
// @ts-expect-error another one
await json.send({ text: 'x' })
// @ts-expect-error null is the end, and no message
Channel.pair<null>({ codec: 'json' })
for await (const job of json) same<typeof job, Job>()

const listener = ChannelListener.listen<Job>('/tmp/jobs', { codec: 'structured', mode: 0o600, maxConnections: 1 })
same<Awaited<ReturnType<typeof listener.accept>>, Channel<Job>>()
for await (const channel of listener) same<typeof channel, Channel<Job>>()
const client = await Channel.connect<Job>(listener.address, { codec: 'structured', timeout: 100, signal })
same<typeof client, Channel<Job>>()
// @ts-expect-error there is no such codec
Channel.pair({ codec: 'xml' })

const port = json.port()
same<typeof port, ChannelPort<Job>>()
const target: EventTarget = port
port.postMessage({ any: 'thing' }, [handle, new ArrayBuffer(1)])
port.postMessage(null, { transfer: [handle] })
// @ts-expect-error a number cannot go with a message
port.postMessage(null, [1])
port.addEventListener('message', (event) => same<typeof event, ChannelPortMessage<Job>>(), { once: true })
port.onmessage = ({ data, handles }) => port.postMessage(data, handles)
port.on('close', (error) => same<typeof error, IpcError | undefined>()).on('message', () => {})
// @ts-expect-error there is no such event
port.on('data', () => {})
same<ReturnType<typeof port.hasRef>, boolean>()

export { receiver, sender, target }
