/** What TypeScript makes of select: compiled by `npm run lint`, never run. */
import {
  Channel,
  type ChannelListener,
  type Endpoint,
  type ExitStatus,
  type Mutex,
  type PipeReader,
  type PosixMessageQueue,
  type PosixSemaphore,
  type ProcessHandle,
  type Selectable,
  type SignalInfo,
  type SignalReceiver,
  type SysvSemaphoreSet,
  select,
  type UnixListener,
  type UnixSocket,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const [channel] = Channel.pair<{ job: number }>({ codec: 'json' })

export async function mixed(
  pipe: PipeReader,
  queue: PosixMessageQueue,
  permits: PosixSemaphore,
  set: SysvSemaphoreSet,
  child: ProcessHandle,
  listener: UnixListener,
  channels: ChannelListener<string>,
  signals: SignalReceiver,
  endpoint: Endpoint,
) {
  const one = set.at(0)
  const sources = { pipe, queue, permits, one, child, listener, channels, signals, channel, endpoint }
  const taken = await select(sources, { timeout: 5, signal: new AbortController().signal })
  if (taken[0] === 'pipe') same<(typeof taken)[1], Buffer | null>()
  if (taken[0] === 'channel') same<(typeof taken)[1], { job: number } | null>()
  if (taken[0] === 'permits') same<(typeof taken)[1], true>()
  if (taken[0] === 'one') same<(typeof taken)[1], true>()
  if (taken[0] === 'child') same<(typeof taken)[1], ExitStatus | null>()
  if (taken[0] === 'listener') same<(typeof taken)[1], UnixSocket>()
  if (taken[0] === 'channels') same<(typeof taken)[1], Channel<string>>()
  if (taken[0] === 'signals') same<(typeof taken)[1], SignalInfo>()
  // @ts-expect-error no such source
  if (taken[0] === 'other') return
  const [name, value] = await select({ pipe, child })
  same<typeof name, 'pipe' | 'child'>()
  same<typeof value, Buffer | null | ExitStatus>()
}

export function refused(mutex: Mutex, list: Selectable[]) {
  // @ts-expect-error not a thing to receive from
  select({ mutex })
  // @ts-expect-error by name
  select({ a: 3 })
  // @ts-expect-error an object of sources
  select()
  return list
}
