/** What TypeScript makes of shared memory and structs: compiled by `npm run lint`, never run. */
import {
  type Handle,
  type Seal,
  SharedMemory,
  type SharedMemoryKind,
  type Struct,
  type StructView,
  struct,
} from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const memory = SharedMemory.create(1 << 20, { label: 'x', seals: ['shrink', 'grow'], hugePages: false })

export async function calls() {
  same<typeof memory.buffer, ArrayBuffer>()
  same<typeof memory.sharedBuffer, SharedArrayBuffer | undefined>()
  same<typeof memory.kind, SharedMemoryKind>()
  same<typeof memory.seals, Seal[]>()
  const small = memory.atomics.add('i32', 0, 1)
  same<typeof small, number>()
  const large = memory.atomics.compareExchange('u64', 8, 0n, 1n)
  same<typeof large, bigint>()
  // @ts-expect-error words of 64 bits are bigints
  memory.atomics.store('i64', 8, 1)
  const answer = await memory.wait(0, 0, { timeout: 5, signal: new AbortController().signal })
  same<typeof answer, 'ok' | 'not-equal' | 'timed-out'>()
  // @ts-expect-error nothing aborts a thread that is blocked
  memory.waitSync(0, 0, { signal: new AbortController().signal })
  const copy: SharedMemory = memory.dup()
  const handle: Handle = copy
  handle.close()
  // @ts-expect-error constant
  memory.size = 5
  same<ReturnType<typeof memory.stat>['attachTime'], Date | null>()
}

const Point = struct({ x: 'f32', y: 'f32' })
const Row = struct({ id: 'u32', total: 'i64', name: ['char', 16], levels: ['i16', 3], longs: ['u64', 2], at: Point })

export function records() {
  const row = Row.view(memory, 64)
  same<typeof row.id, number>()
  same<typeof row.total, bigint>()
  same<typeof row.name, string>()
  same<typeof row.levels, number[]>()
  same<typeof row.longs, bigint[]>()
  const x: number = row.at.x
  const rows = Row.array(memory.buffer, 0, 3)
  rows[0].id = x
  const { offsets } = Row
  const offset: number = offsets.levels
  // @ts-expect-error no such field
  offsets.nothing
  // @ts-expect-error no such type
  struct({ bad: 'u24' })
  const any: Struct<unknown> = Row
  same<StructView<{ a: 'u8' }>, { a: number }>()
  return [offset, any]
}
