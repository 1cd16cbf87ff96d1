/** What specs of semaphores share. */
import { rmSync } from 'node:fs'
import { PosixSemaphore, SharedMemory } from '../../index.js'

/** A semaphore without a name, inside memory of its own. */
export function newSemaphore(value = 0) {
  const memory = SharedMemory.create(4096)
  const semaphore = PosixSemaphore.inMemory(memory, 64, { initialize: value })
  memory.close()
  return semaphore
}

/** Runs `body` with a semaphore that has a name, and removes that. @param {number} value @param {(semaphore: PosixSemaphore & { name: string }) => unknown} body */
export async function withNamed(value, body) {
  const semaphore = PosixSemaphore.open(null, { create: true, value })
  try {
    return await body(/** @type {any} */ (semaphore))
  } finally {
    semaphore.close()
    // By other means than those that are tried; the body may have done it.
    rmSync(`/dev/shm/sem.${semaphore.name?.slice(1)}`, { force: true })
  }
}
