/** What TypeScript makes of locks of files: compiled by `npm run lint`, never run. */
import { FileLock, type Handle, type LockRange, type MutexGuard } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const lock = FileLock.open('path', { create: true, mode: 0o600 })

export async function locks() {
  const guard = await lock.lock({ shared: true, start: 5, length: 5, timeout: 5, signal })
  same<typeof guard, MutexGuard>()
  const tried = lock.tryLock({ shared: true, start: 5, length: 5 })
  same<typeof tried, MutexGuard | undefined>()
  const blocked = lock.lockSync({ shared: true, start: 5, length: 5, timeout: 5 })
  same<typeof blocked, MutexGuard>()
  const value = await lock.with(() => 5, { shared: true, timeout: 5, signal })
  same<typeof value, number>()
  const awaited = await lock.with(async ({ abandoned }) => abandoned)
  same<typeof awaited, boolean>()
  guard.unlock()
  guard[Symbol.dispose]()
}

export function kinds() {
  const handle: Handle = lock
  const again: FileLock = lock.dup().ref().unref()
  const range: LockRange = { shared: false }
  const at: FileLock = FileLock.open(new URL('file:///path'))
  same<typeof lock.path, string | null>()
  same<typeof lock.fd, number>()
  return [handle, again, range, at]
}

export function refused() {
  // @ts-expect-error
  new FileLock()
  // @ts-expect-error
  FileLock.open(5)
  // @ts-expect-error
  FileLock.open('x', { exclusive: true })
  // @ts-expect-error
  lock.lock({ shared: 5 })
  // @ts-expect-error
  lock.tryLock({ timeout: 5 })
  // @ts-expect-error
  lock.lockSync({ signal })
  // @ts-expect-error
  lock.with(5)
  // @ts-expect-error
  lock.path = 'y'
}
