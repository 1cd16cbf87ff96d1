/** What TypeScript makes of pools: compiled by `npm run lint`, never run. */
import { type Channel, type Handle, type PosixSemaphore, WorkerPool } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

export async function use(channel: Channel, semaphore: PosixSemaphore) {
  const pool = WorkerPool.start(new URL('file:///x.js'), { size: 2, handles: { semaphore }, execArgv: [], env: {} })
  const base: Handle = pool
  same<typeof pool.size, number>()
  same<typeof pool.pending, number>()
  const { signal } = new AbortController()
  const counted = await pool.run<number>({ any: 'task' }, { handles: [channel], retry: false, timeout: 5, signal })
  same<typeof counted, number>()
  await pool.drain({ timeout: 5, signal })
  await pool[Symbol.asyncDispose]()
  // @ts-expect-error made by start alone
  new WorkerPool()
  // @ts-expect-error in a list
  pool.run(1, { handles: { channel } })
  // @ts-expect-error by name
  WorkerPool.start('x.js', { handles: [semaphore] })
  // @ts-expect-error a constant
  pool.size = 3
  return base
}
