/** What TypeScript makes of POSIX semaphores: compiled by `npm run lint`, never run. */
import { type Handle, type Permits, PosixSemaphore, SharedMemory } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const semaphore = PosixSemaphore.open(null, { create: true, exclusive: true, mode: 0o600, value: 3, anyOwner: true })
const permits: Permits = semaphore
const handle: Handle = semaphore

export async function taken() {
  const acquired = await semaphore.acquire({ permits: 1, timeout: 5, signal })
  same<typeof acquired, void>()
  const tried = semaphore.tryAcquire()
  same<typeof tried, boolean>()
  semaphore.acquireSync({ timeout: 5 })
  semaphore.release(3)
  const value = await permits.with(() => 'text', { timeout: 5, signal })
  same<typeof value, string>()
  const awaited = await semaphore.with(async () => 5)
  same<typeof awaited, number>()
  same<typeof semaphore.value, number>()
  same<typeof semaphore.name, string | null>()
  // @ts-expect-error a blocking form has no signal
  semaphore.acquireSync({ signal })
  // @ts-expect-error it is for the kernel to say
  semaphore.value = 3
}

export function inMemory() {
  const copy = PosixSemaphore.inMemory(SharedMemory.create(4096), 64, { initialize: 1 }).dup()
  same<typeof copy, PosixSemaphore>()
  same<typeof PosixSemaphore.byteLength, number>()
  PosixSemaphore.unlink('/name')
  // @ts-expect-error there is no other way to make one
  new PosixSemaphore()
  return handle.ref()
}
