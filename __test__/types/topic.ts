/** What TypeScript makes of topics: compiled by `npm run lint`, never run. */
import { type Codec, type Handle, type Receiver, type Subscription, Topic, type TopicOptions } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const options: TopicOptions = { capacity: 4096, overflow: 'drop-oldest', maxSubscribers: 3, mode: 0o600 }
const bytes = Topic.open('@name', { ...options, codec: 'bytes' })
same<typeof bytes, Topic>()
same<typeof bytes.address, string | null>()
same<typeof bytes.codec, Codec>()
same<typeof bytes.overflow, 'wait' | 'drop-oldest'>()
await bytes.publish('text', { timeout: 1, signal })
await bytes.publish(new Uint8Array(1))
same<ReturnType<typeof bytes.tryPublish>, boolean>()
bytes.tryPublish(new ArrayBuffer(1))
bytes.publishSync(new DataView(new ArrayBuffer(1)), { timeout: 1 })
// @ts-expect-error a value is no message of bytes
await bytes.publish({ a: 1 })
// @ts-expect-error a blocking call cannot be aborted
bytes.publishSync('x', { signal })

const subscription = await bytes.subscribe({ history: Number.POSITIVE_INFINITY, timeout: 1, signal })
same<typeof subscription, Subscription>()
same<Awaited<ReturnType<typeof subscription.recv>>, Buffer | null>()
same<ReturnType<typeof subscription.tryRecv>, Buffer | null | undefined>()
same<ReturnType<typeof subscription.recvSync>, Buffer | null>()
same<Awaited<ReturnType<typeof subscription.recvMany>>, Buffer[]>()
same<typeof subscription.missed, number>()
const receiver: Receiver<Buffer> = subscription
const handles: Handle[] = [bytes, subscription, bytes.dup()]
for await (const message of subscription) same<typeof message, Buffer>()
// @ts-expect-error it is counted here alone
subscription.missed = 0

interface Price {
  symbol: string
  price: number
}
const json = Topic.open<Price>('/path', { codec: 'json' })
same<typeof json, Topic<Price>>()
await json.publish({ symbol: 'A', price: 1 })
// @ts-expect-error another one
await json.publish({ symbol: 'A' })
same<Awaited<ReturnType<Subscription<Price>['recv']>>, Price | null>()
// @ts-expect-error a value needs a codec
Topic.open<Price>('/path')
Topic.unlink('@name')
void [receiver, handles]
