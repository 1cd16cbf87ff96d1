/**
 * One lock of each kind, by name: `open` gives it in any process, `take` blocks and `tryTake` does not, `taken` is awaited;
 * each gives what lets go again.
 *
 * @typedef {object} Lock
 * @property {() => () => void} tryTake
 * @property {() => () => void} take
 * @property {() => Promise<() => void>} taken
 * @property {() => void} remove
 */
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileLock, Mutex, PosixSemaphore, RwLock, SysvSemaphoreSet } from '../../index.js'

/** @param {{ unlock(): void } | undefined} guard */
function unlocking(guard) {
  if (guard === undefined) throw new Error('it is not free')
  return () => guard.unlock()
}

/** @param {import('../../index.js').Permits} permits @param {() => void} remove @returns {Lock} */
function permit(permits, remove) {
  const give = () => permits.release()
  return {
    tryTake() {
      if (!permits.tryAcquire()) throw new Error('it is not free')
      return give
    },
    take() {
      permits.acquireSync()
      return give
    },
    async taken() {
      await permits.acquire()
      return give
    },
    remove,
  }
}

/** @type {Record<string, (name: string) => Lock>} */
export const locks = {
  'file-lock'(name) {
    const path = join(tmpdir(), name)
    const lock = FileLock.open(path, { create: true })
    return {
      tryTake: () => unlocking(lock.tryLock()),
      take: () => unlocking(lock.lockSync()),
      taken: async () => unlocking(await lock.lock()),
      remove: () => rmSync(path, { force: true }),
    }
  },
  mutex(name) {
    const mutex = Mutex.open(name)
    return {
      tryTake: () => unlocking(mutex.tryLock()),
      take: () => unlocking(mutex.lockSync()),
      taken: async () => unlocking(await mutex.lock()),
      remove: () => Mutex.unlink(name),
    }
  },
  reading(name) {
    const lock = RwLock.open(name)
    return {
      tryTake: () => unlocking(lock.tryRead()),
      take: () => unlocking(lock.readSync()),
      taken: async () => unlocking(await lock.read()),
      remove: () => RwLock.unlink(name),
    }
  },
  writing(name) {
    const lock = RwLock.open(name)
    return {
      tryTake: () => unlocking(lock.tryWrite()),
      take: () => unlocking(lock.writeSync()),
      taken: async () => unlocking(await lock.write()),
      remove: () => RwLock.unlink(name),
    }
  },
  'posix-semaphore'(name) {
    const semaphore = PosixSemaphore.open(`/${name}`, { create: true, value: 1 })
    return permit(semaphore, () => semaphore.unlink())
  },
  'sysv-semaphore': (name) => setOf(name, false),
  'sysv-semaphore, undo': (name) => setOf(name, true),
}

/** @param {string} name @param {boolean} undo @returns {Lock} */
function setOf(name, undo) {
  const key = createHash('sha256').update(name).digest().readInt32LE() | 1
  const set = SysvSemaphoreSet.open(key, { create: true, values: [1] })
  return permit(set.at(0, { undo }), () => set.remove())
}

/** What Node programs use today. Loaded from bench/node_modules. @param {string} name */
export async function properLockfile(name) {
  const { default: lockfile } = await import('proper-lockfile')
  const path = join(tmpdir(), name)
  writeFileSync(path, '')
  return { lock: () => lockfile.lock(path), remove: () => rmSync(path, { force: true }) }
}
