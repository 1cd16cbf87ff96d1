/** What TypeScript makes of System V semaphore sets: compiled by `npm run lint`, never run. */
import { type Handle, type Permits, type SemaphoreOperation, SysvSemaphoreSet, type SysvSemaphoreSetStat } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const set = SysvSemaphoreSet.open(0x5eed, { create: true, exclusive: true, mode: 0o600, count: 2, values: [1, 0] })
const list: SemaphoreOperation[] = [
  { index: 0, op: -1, undo: true },
  { index: 1, op: 0 },
]

export async function operations() {
  const waited = await set.operate(list, { timeout: 5, signal })
  same<typeof waited, void>()
  const tried = set.tryOperate(list)
  same<typeof tried, boolean>()
  const blocked = set.operateSync(list, { timeout: 5 })
  same<typeof blocked, void>()
  // @ts-expect-error: a blocking form cannot be aborted
  set.operateSync(list, { signal })
  // @ts-expect-error: every operation says what is to be done
  set.tryOperate([{ index: 0 }])
}

export async function permits() {
  const semaphore = set.at(0, { undo: true })
  same<typeof semaphore, Permits>()
  await semaphore.acquire({ permits: 2, timeout: 5, signal })
  same<typeof semaphore.value, number>()
  semaphore.release(2)
  const made = await semaphore.with(async () => 'x', { permits: 2 })
  same<typeof made, string>()
}

export function other(): Handle {
  same<typeof set.values, number[]>()
  set.setValues([1, 2])
  set.setValue(0, 5)
  const stat = set.stat()
  same<typeof stat, SysvSemaphoreSetStat>()
  same<typeof stat.operateTime, Date | null>()
  set.set({ mode: 0o640 })
  set.remove()
  const twin = set.dup()
  same<typeof twin, SysvSemaphoreSet>()
  return SysvSemaphoreSet.fromId(set.id)
}
