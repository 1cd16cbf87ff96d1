/**
 * POSIX semaphores: see sem_overview(7).
 */
import { constants } from 'node:os'
import { coded, invalidType, invalidValue, notSupported, outOfRange } from '../errors.js'
import { fix, Handle } from '../handle.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { memoryOf } from '../shared-memory/core.js'
import { boolean, integer, mode as modeOf, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { Take } from '../wait/permits.js'
import { SemaphoreCore, semaphoreOf } from './core.js'

/** @typedef {{ permits?: number, timeout?: number, signal?: AbortSignal }} AcquireOptions */

// By names of their own: a look into the addon, which has a hundred of them, would be felt in each call.
const { posixSemaphorePost, posixSemaphoreTryTake, posixSemaphoreValue } = native

/** SEM_VALUE_MAX. */
const MOST = 0x7fffffff
const ALIGNMENT = 8

/** A POSIX semaphore gives one at a time. @param {unknown} permits */
function checkOne(permits, name = 'options.permits') {
  if (permits === undefined || permits === 1) return
  const number = integer(name, permits, 1)
  throw outOfRange(name, '1: a POSIX semaphore gives one at a time, a SysvSemaphoreSet any number', number)
}

/** @param {unknown} options */
function acquireOptionsOf(options) {
  const given = objectOf(options)
  checkOne(given.permits)
  return waitOf(given)
}

/** @param {any} memory */
function memoryCoreOf(memory) {
  try {
    return memoryOf(memory)
  } catch {
    throw invalidType('memory', 'an instance of SharedMemory', memory)
  }
}

/** @param {unknown} options @param {boolean} anonymous */
function openOptionsOf(options, anonymous) {
  const given = objectOf(options)
  const { create, exclusive, mode, value, anyOwner } = given
  const checked = {
    create: boolean('options.create', create, false),
    exclusive: boolean('options.exclusive', exclusive, false),
    mode: modeOf('options.mode', mode, 0o600),
    value: value === undefined ? 0 : integer('options.value', value, 0, MOST),
    anyOwner: boolean('options.anyOwner', anyOwner, false),
  }
  if (anonymous && !checked.create) {
    throw invalidValue('name', null, 'must be that of a semaphore: null is for create: true')
  }
  if (exclusive && !checked.create) throw invalidValue('options.exclusive', exclusive, 'needs create: true')
  return checked
}

/** @param {unknown} name @returns {string} */
function stringOf(name) {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  return name
}

export class PosixSemaphore extends Handle {
  /** @param {SemaphoreCore} core */
  constructor(core) {
    super(core)
    fix(this, 'name', core.name)
  }

  /**
   * @param {string | null} name
   * @param {{ create?: boolean, exclusive?: boolean, mode?: number, value?: number, anyOwner?: boolean }} [options]
   */
  static open(name, options) {
    const word = name === null ? undefined : stringOf(name)
    const checked = openOptionsOf(options, word === undefined)
    return entered(native.posixSemaphoreOpen(word, checked))
  }

  /** @param {string} name */
  static unlink(name) {
    native.posixSemaphoreUnlink(stringOf(name))
  }

  /**
   * @param {import('../shared-memory/memory.js').SharedMemory} memory
   * @param {number} offset
   * @param {{ initialize?: number }} [options]
   */
  static inMemory(memory, offset, options) {
    const core = memoryCoreOf(memory)
    const { initialize } = objectOf(options)
    const value = initialize === undefined ? undefined : integer('options.initialize', initialize, 0, MOST)
    core.check()
    const at = integer('offset', offset, 0, core.size - PosixSemaphore.byteLength)
    if ((core.skew + at) % ALIGNMENT !== 0) throw outOfRange('offset', `a multiple of ${ALIGNMENT}`, offset)
    return entered(native.posixSemaphoreInMemory(core.id, at, value))
  }

  /** The bytes of a `sem_t`. */
  static get byteLength() {
    return BYTE_LENGTH
  }

  dup() {
    const core = semaphoreOf(this)
    core.check()
    const copy = new SemaphoreCore(native.posixSemaphoreDuplicate(core.id), core.name, core.identity)
    return /** @type {this} */ (new PosixSemaphore(copy))
  }

  /** @param {AcquireOptions} [options] @returns {Promise<void>} */
  acquire(options) {
    try {
      const core = semaphoreOf(this)
      const wait = acquireOptionsOf(options)
      core.check()
      return core.permits.take(wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {number} [permits] */
  tryAcquire(permits) {
    const core = semaphoreOf(this)
    if (permits !== undefined) checkOne(permits, 'permits')
    core.check()
    if (posixSemaphoreTryTake(core.id) !== 0) return true
    return core.permits.leaving && core.permits.tryTake() !== BLOCKED
  }

  /** @param {{ permits?: number, timeout?: number }} [options] */
  acquireSync(options) {
    const core = semaphoreOf(this)
    const given = objectOf(options)
    checkOne(given.permits)
    const timeout = timeoutOf(given)
    core.check()
    core.permits.takeSync(timeout)
  }

  /** @param {number} [permits] */
  release(permits = 1) {
    const core = semaphoreOf(this)
    if (permits !== 1) integer('permits', permits, 1, MOST)
    core.check()
    posixSemaphorePost(core.id, permits)
  }

  get value() {
    const core = semaphoreOf(this)
    core.check()
    return posixSemaphoreValue(core.id) >>> 0
  }

  [SOURCE]() {
    const core = semaphoreOf(this)
    core.check()
    const { permits } = core
    const operation = new Take(permits.source)
    return { core, direction: permits, operation, now: () => permits.tryTake(), permit: /** @type {const} */ (true) }
  }

  /**
   * @template T
   * @param {() => T | Promise<T>} body
   * @param {AcquireOptions} [options]
   * @returns {Promise<T>}
   */
  async with(body, options) {
    const core = semaphoreOf(this)
    if (typeof body !== 'function') throw invalidType('body', 'of type function', body)
    const wait = acquireOptionsOf(options)
    core.check()
    // Of its own, for somebody may close the handle meanwhile, and the permit goes back all the same.
    const id = native.posixSemaphoreDuplicate(core.id)
    try {
      await core.permits.take(wait)
      try {
        return await body()
      } finally {
        posixSemaphorePost(id, 1)
      }
    } finally {
      native.posixSemaphoreClose(id)
    }
  }

  unlink() {
    const core = semaphoreOf(this)
    core.check()
    if (core.name === null) throw notSupported('This semaphore has no name that could be removed')
    native.posixSemaphoreUnlink(core.name)
  }
}

const BYTE_LENGTH = native.posixSemaphoreSize()

/** @param {import('../../native.js').PosixSemaphoreFacts} facts */
function entered({ id, name, identity }) {
  return new PosixSemaphore(new SemaphoreCore(id, name ?? null, identity ?? null))
}

/** What travels of a handle: a name, and which semaphore that was, for another one may stand there by then. */
export const handover = {
  /** @param {PosixSemaphore} semaphore @returns {Omit<import('../handover.js').Parcel, 'kind'>} */
  describe(semaphore) {
    const { name, identity } = semaphoreOf(semaphore)
    if (name !== null) return { fds: [], meta: { name, identity } }
    throw notSupported('A semaphore in memory is not handed over: hand the SharedMemory over, and call inMemory there')
  },

  /** @param {{ meta: { [name: string]: any } }} parcel */
  rebuild({ meta: { name: given, identity } }) {
    const anyOwner = true
    const name = stringOf(given)
    const facts = native.posixSemaphoreOpen(name, { create: false, exclusive: false, mode: 0, value: 0, anyOwner })
    const semaphore = entered(facts)
    if (facts.identity === identity) return semaphore
    semaphore.close()
    throw coded(Error, 'ENOENT', `ENOENT: the semaphore ${name} was unlinked, and another one has its name`, {
      errno: -constants.errno.ENOENT,
      syscall: 'sem_open',
      path: name,
    })
  },
}
