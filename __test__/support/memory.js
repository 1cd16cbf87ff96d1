/** Shared memory for specs, which leave nothing behind. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after } from 'node:test'
import { SharedMemory } from '../../index.js'

/** @type {Set<SharedMemory>} */
const made = new Set()
let last = 0

/** A name that no other spec uses. */
export function newName() {
  return `/os-ipc-spec-${process.pid}-${++last}`
}

/** A POSIX object of its own, unlinked after the tests. @param {number} size */
export function newObject(size, options = {}) {
  return kept(SharedMemory.open(newName(), { size, create: true, ...options }))
}

/** A private System V segment, removed after the tests. @param {number} size */
export function newSegment(size, options = {}) {
  return kept(SharedMemory.sysv('private', { size, ...options }))
}

/** @param {SharedMemory} memory */
function kept(memory) {
  made.add(memory)
  return memory
}

/** Numbers of all segments of this IPC namespace. */
export function segmentIds() {
  const lines = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => Number(line.trim().split(/\s+/)[1]))
}

/** Names under /dev/shm that begin like this. */
export function names(prefix = `os-ipc-spec-${process.pid}-`) {
  return readdirSync('/dev/shm').filter((name) => name.startsWith(prefix))
}

/** To be called once, at the top of a spec. */
export function removeMemoryAfter() {
  after(() => {
    for (const memory of made) {
      const { kind, id, name } = memory
      memory.close()
      try {
        if (kind === 'sysv') removeSegment(/** @type {number} */ (id))
        else SharedMemory.unlink(/** @type {string} */ (name))
      } catch (error) {
        // The test itself has removed it.
        assert.ok(['ENOENT', 'EINVAL', 'EIDRM'].includes(/** @type {any} */ (error).code), String(error))
      }
    }
    assert.deepEqual(names(), [])
  })
}

/** @param {number} id */
function removeSegment(id) {
  const segment = SharedMemory.fromSysvId(id)
  segment.unlink()
  segment.close()
}
