/**
 * Locks on files and parts of them, that open file descriptions hold. See fcntl(2).
 */
import { isMainThread } from 'node:worker_threads'
import { invalidType, invalidValue, timedOut } from '../errors.js'
import { fix, Handle, isOwned } from '../handle.js'
import native from '../load.js'
import { boolean, mode as modeOf, objectOf, path as pathOf, timeoutOf, waitOf } from '../validate.js'
import { FileCore, fileOf } from './core.js'
import { holding, tryNow } from './queue.js'
import { rangeOf } from './range.js'

/** @typedef {import('../lock/guard.js').Guard} Guard */
/** @typedef {{ shared?: boolean, start?: number, length?: number }} LockRange */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

/** Milliseconds: so soon a worker that is being terminated is to see it. The main thread cannot be. */
const SLICE = isMainThread ? 0xffffffff : 100

export class FileLock extends Handle {
  /** @param {FileCore} core */
  constructor(core) {
    super(core)
    fix(this, 'path', core.path)
  }

  /** @param {string | URL} path @param {{ create?: boolean, mode?: number }} [options] */
  static open(path, options) {
    const checked = pathOf('path', path)
    const { create, mode } = objectOf(options)
    const isNew = boolean('options.create', create, false)
    const bits = modeOf('options.mode', mode, 0o600)
    return new FileLock(new FileCore(native.fileLockOpen(checked, isNew, bits), checked))
  }

  dup() {
    const core = fileOf(this)
    core.check()
    return /** @type {this} */ (new FileLock(new FileCore(native.fileLockDuplicate(core.id), core.path)))
  }

  /** @param {LockRange & WaitOptions} [options] @returns {Promise<Guard>} */
  lock(options) {
    try {
      const core = fileOf(this)
      const given = objectOf(options)
      const range = rangeOf(given)
      const wait = waitOf(given)
      core.check()
      return core.queue.lock(range, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {LockRange} [options] @returns {Guard | undefined} */
  tryLock(options) {
    const core = fileOf(this)
    const range = rangeOf(objectOf(options))
    core.check()
    const held = tryNow(core, range)
    return held === 0 ? undefined : holding(core, held)
  }

  /** @param {LockRange & { timeout?: number }} [options] @returns {Guard} */
  lockSync(options) {
    const core = fileOf(this)
    const given = objectOf(options)
    const range = rangeOf(given)
    const timeout = timeoutOf(given)
    core.check()
    return holding(core, tryNow(core, range) || block(core, range, timeout))
  }

  /**
   * @template T
   * @param {(guard: Guard) => T | Promise<T>} body
   * @param {LockRange & WaitOptions} [options]
   * @returns {Promise<T>}
   */
  async with(body, options) {
    if (typeof body !== 'function') throw invalidType('body', 'of type function', body)
    const guard = await this.lock(options)
    try {
      return await body(guard)
    } finally {
      guard.unlock()
    }
  }
}

/**
 * A thread stands in the kernel's queue, and this one waits for it.
 * @param {FileCore} core
 * @param {import('./range.js').Range} range
 * @param {number} timeout
 */
function block(core, range, timeout) {
  const deadline = performance.now() + timeout
  if (timeout === 0) throw timedOut()
  const { shared, start, length } = range
  const standing = native.fileLockStand(core.id, shared, start, length)
  try {
    for (let left = timeout; left > 0; left = deadline - performance.now()) {
      const held = native.fileLockBlock(standing, left < SLICE ? Math.ceil(left) : SLICE)
      if (held !== 0) return held
    }
  } catch (error) {
    native.fileLockLeave(standing)
    throw error
  }
  // What can be done at once wins over the timeout.
  const held = native.fileLockLeave(standing) || tryNow(core, range)
  if (held === 0) throw timedOut()
  return held
}

/** A file that another process has handed over. @param {number} fd @param {string | null} path */
export function adopt(fd, path) {
  if (isOwned(fd)) throw invalidValue('fd', fd, 'belongs to an open handle of os-ipc already')
  return new FileLock(new FileCore(native.fileLockAdopt(fd), path))
}
