/** What TypeScript makes of mutexes, read-write locks, conditions and barriers: compiled by `npm run lint`, never run. */
import { Barrier, Condition, type Handle, type LockOptions, Mutex, type MutexGuard, RwLock } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const options: LockOptions = { mode: 0o660, anyOwner: true }
const mutex = Mutex.open('name', options)
const lock = RwLock.open('name', { mode: 0o600 })
const condition = Condition.open('name')
const barrier = Barrier.open('name', { parties: 3, ...options })

export async function locks() {
  const guard = await mutex.lock({ timeout: 5, signal })
  same<typeof guard, MutexGuard>()
  same<typeof guard.abandoned, boolean>()
  guard.unlock()
  const tried = mutex.tryLock()
  same<typeof tried, MutexGuard | undefined>()
  const blocked: MutexGuard = mutex.lockSync({ timeout: 5 })
  blocked[Symbol.dispose]()
  same<typeof mutex.locked, boolean>()
  const text = await mutex.with((own) => String(own.abandoned), { timeout: 5 })
  same<typeof text, string>()
  const later = await mutex.with(async () => 5, { signal })
  same<typeof later, number>()
  // @ts-expect-error blocking forms take a timeout only
  mutex.lockSync({ signal })
  // @ts-expect-error try forms never wait
  mutex.tryLock({ timeout: 5 })
  // @ts-expect-error a constant
  guard.abandoned = true
  Mutex.unlink('name')
}

export async function readers() {
  const guards: MutexGuard[] = [
    await lock.read({ signal }),
    lock.readSync(),
    await lock.write(),
    lock.writeSync({ timeout: 1 }),
  ]
  const tried: Array<MutexGuard | undefined> = [lock.tryRead(), lock.tryWrite()]
  RwLock.unlink('name')
  return [guards, tried]
}

export async function conditions(guard: MutexGuard) {
  const waited = await condition.wait(guard, { timeout: 5, signal })
  same<typeof waited, void>()
  condition.waitSync(guard, { timeout: 5 })
  same<ReturnType<typeof condition.notify>, number>()
  condition.notify(Number.POSITIVE_INFINITY)
  Condition.unlink('name')
  // @ts-expect-error a guard is needed
  await condition.wait()
}

export async function barriers() {
  const { last } = await barrier.wait({ timeout: 5, signal })
  same<typeof last, boolean>()
  same<ReturnType<typeof barrier.waitSync>, { last: boolean }>()
  same<typeof barrier.parties, number>()
  Barrier.unlink('name')
  // @ts-expect-error how many is to be said
  Barrier.open('name')
  const handles: Handle[] = [mutex, lock, condition, barrier]
  return handles
}
