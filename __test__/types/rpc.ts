/** What TypeScript makes of remote procedure calls: compiled by `npm run lint`, never run. */
import {
  type CallContext,
  Channel,
  ChannelListener,
  type Credentials,
  type Handle,
  type PipeReader,
  type RpcClient,
  RpcError,
  type RpcServer,
  rpc,
  SharedMemory,
  UnixListener,
  UnixSocket,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const methods = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  async image(size: number, context: CallContext) {
    same<typeof context.peer, Credentials>()
    same<typeof context.signal, AbortSignal>()
    same<typeof context.handles, Handle[]>()
    return context.use(SharedMemory.create(size))
  },
  async *count(to: number) {
    for (let i = 0; i < to; i++) yield i
  },
  ping() {},
}

const server = rpc.serve('/tmp/calls', methods, { concurrency: 4, codec: 'structured', mode: 0o600 })
same<typeof server, RpcServer>()
same<typeof server.clients, number>()
rpc.serve(Channel.pair()[0], methods)
rpc.serve(ChannelListener.listen('/tmp/channels'), methods)
rpc.serve(UnixListener.listen('/tmp/sockets'), methods)
/** As many write it: the two sides share an interface. */
interface Api {
  add(params: { a: number; b: number }): number
  greet(name?: string): Promise<string>
  count(to: number): AsyncIterable<number>
  list(): string[]
  reader(): PipeReader
  reset(): void
}
declare const implementation: Api
rpc.serve('/tmp/calls', implementation)
rpc.serve('/tmp/calls', { who: (_params, { peer }) => peer.pid })
await server.drain({ timeout: 1, signal })
// @ts-expect-error what is called is a function
rpc.serve('/tmp/calls', { answer: 42 })
// @ts-expect-error frames are values, bytes are none
rpc.serve('/tmp/calls', methods, { codec: 'bytes' })

const client = await rpc.connect<typeof methods>('/tmp/calls', { codec: 'json', timeout: 1, signal })
same<typeof client, RpcClient<typeof methods>>()
const sum = await client.call('add', { a: 1, b: 2 }, { timeout: 1, signal, handles: [SharedMemory.create(1)] })
same<typeof sum, number>()
const image = await client.call('image', 4096)
same<typeof image, SharedMemory>()
same<ReturnType<typeof client.callSync<'add'>>, number>()
await client.call('ping')
await client.notify('add', { a: 1, b: 2 })
for await (const n of client.stream('count', 3, { timeout: 1 })) same<typeof n, number>()
for await (const n of client.stream<number>('count', 3, { timeout: 1 })) same<typeof n, number>()
const [first, second] = await client.batch([['add', { a: 1, b: 2 }], ['ping']])
same<typeof first, PromiseSettledResult<number>>()
same<typeof second, PromiseSettledResult<void>>()
// @ts-expect-error there is no such method
await client.call('subtract', { a: 1, b: 2 })
// @ts-expect-error nor for a batch
await client.batch([['subtract']])
// @ts-expect-error its params are others
await client.call('add', { a: '1', b: 2 })
// @ts-expect-error a blocking call cannot be aborted
client.callSync('add', { a: 1, b: 2 }, { signal })
// @ts-expect-error nobody is told of a notification's end
await client.notify('nothing')

const described = await rpc.connect<Api>('/tmp/calls')
same<Awaited<ReturnType<typeof described.call<'greet'>>>, string>()
await described.call('greet')
await described.call('reset', undefined, { timeout: 1 })
const counted = await described.call('count', 3)
same<typeof counted, number[]>()
const generated = await client.call('count', 3)
same<typeof generated, number[]>()
const given = await described.call('reader')
same<typeof given, PipeReader>()
const list = await described.call('list')
same<typeof list, string[]>()
for await (const item of described.stream('list')) same<typeof item, string>()
// @ts-expect-error its params are missing
await described.call('add')
// @ts-expect-error nor can they be left out of a batch
await described.batch([['add']])
// @ts-expect-error nor of what is given one by one
described.callSync('count')

const anything = await rpc.connect(UnixSocket.pair()[0])
const whatever: string = await anything.call('whatever', 1)
for await (const item of anything.stream('whatever')) whatever.concat(item)
const error = new RpcError('no', { code: 1, data: {} })
same<typeof error.code, number>()

export { error, second, whatever }
