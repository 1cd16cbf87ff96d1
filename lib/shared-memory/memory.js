/**
 * Shared memory: the same pages in several processes. See shm_overview(7), memfd_create(2), shmop(2), mmap(2).
 */
import { Buffer } from 'node:buffer'
import { bytesOf } from '../data.js'
import { invalidState, invalidType, invalidValue, notSupported, outOfRange } from '../errors.js'
import { fix, Handle, isOwned } from '../handle.js'
import native from '../load.js'
import { idOf, keyOf } from '../sysv/key.js'
import { dateOf, ownershipOf, openOptionsOf as segmentOptionsOf } from '../sysv/permissions.js'
import { boolean, descriptor, integer, objectOf, path as pathOf, timeoutOf, waitOf } from '../validate.js'
import { SharedAtomics } from './atomics.js'
import { MemoryCore, memoryOf } from './core.js'
import { openOptionsOf, rangeOf, sizeOf, wordAt } from './options.js'
import { bitsOf, sealsOf } from './seals.js'
import { waitFor, waitForSync } from './waiting.js'
import { offsets } from './words.js'

/** @typedef {import('../../index.js').Seal} Seal */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

/** As src/shared_memory.rs numbers them. */
const ADVICE = ['normal', 'sequential', 'random', 'willneed', 'dontneed', 'hugepage']

/** The longest that the kernel takes for a name of /memfd:. */
const LONGEST_LABEL = 249

/** Who is trusted with memory that comes as a descriptor. */
const SEALED = 0
const OWN = 1
const ANY = 2

/** Whose memory a buffer is. @type {WeakMap<object, WeakRef<SharedMemory>>} */
const owners = new WeakMap()

/** The open handle whose `buffer` this is, if it is one's. @param {ArrayBufferLike} buffer */
export function ownerOf(buffer) {
  const owner = owners.get(buffer)?.deref()
  return owner === undefined || owner.closed ? undefined : owner
}

export class SharedMemory extends Handle {
  /** @param {MemoryCore} core */
  constructor(core) {
    super(core)
    fix(this, 'kind', core.kind)
    fix(this, 'name', core.name)
    fix(this, 'id', core.segment)
    fix(this, 'size', core.size)
    fix(this, 'readOnly', core.readOnly)
  }

  /** @param {number} size @param {{ label?: string, hugePages?: boolean, seals?: Seal[] }} [options] */
  static create(size, options) {
    const { label = 'os-ipc', hugePages, seals = ['shrink'] } = objectOf(options)
    const bytes = sizeOf(size)
    if (typeof label !== 'string') throw invalidType('options.label', 'of type string', label)
    if (label.includes('\0') || Buffer.byteLength(label) > LONGEST_LABEL) {
      throw invalidValue('options.label', label, `must be of at most ${LONGEST_LABEL} bytes, none of them null`)
    }
    const huge = boolean('options.hugePages', hugePages, false)
    const facts = native.sharedMemoryCreate(bytes, label, huge, bitsOf('options.seals', seals))
    return new SharedMemory(new MemoryCore(facts, null))
  }

  /**
   * @param {string | null} name
   * @param {{ size?: number, create?: boolean, exclusive?: boolean, mode?: number, readOnly?: boolean, offset?: number, length?: number, anyOwner?: boolean }} [options]
   */
  static open(name, options) {
    const word = nameOf(name)
    const checked = openOptionsOf(options, word === undefined)
    return new SharedMemory(new MemoryCore(native.sharedMemoryOpen(word, checked), name, checked))
  }

  /** @param {string} name */
  static unlink(name) {
    native.sharedMemoryUnlink(stringOf(name))
  }

  /**
   * @param {number | 'private'} key
   * @param {{ create?: boolean, exclusive?: boolean, mode?: number, size?: number, readOnly?: boolean, hugePages?: boolean }} [options]
   */
  static sysv(key, options) {
    const number = keyOf(key)
    const given = objectOf(options)
    const { size, readOnly, hugePages } = given
    const { create, exclusive, mode } = segmentOptionsOf(given, number)
    const checked = {
      create,
      exclusive,
      mode,
      size: size === undefined ? 0 : sizeOf(size, 'options.size'),
      readOnly: boolean('options.readOnly', readOnly, false),
      hugePages: boolean('options.hugePages', hugePages, false),
    }
    if (create && checked.size === 0) throw invalidValue('options.size', size, 'must say how large it is to be')
    return new SharedMemory(new MemoryCore(native.sharedMemorySysv(number, checked), null))
  }

  /** @param {number} id @param {{ readOnly?: boolean }} [options] */
  static fromSysvId(id, options) {
    const number = idOf(id)
    const readOnly = boolean('options.readOnly', objectOf(options).readOnly, false)
    return new SharedMemory(new MemoryCore(native.sharedMemoryFromSysvId(number, readOnly), null))
  }

  /**
   * @param {string | URL} path
   * @param {{ size?: number, create?: boolean, mode?: number, readOnly?: boolean, offset?: number, length?: number }} [options]
   */
  static map(path, options) {
    const place = pathOf('path', path)
    const checked = openOptionsOf(options)
    return new SharedMemory(new MemoryCore(native.sharedMemoryMap(place, checked), place, checked))
  }

  /** @param {number} fd @param {{ readOnly?: boolean, offset?: number, length?: number, unsealed?: boolean }} [options] */
  static fromFd(fd, options) {
    const given = objectOf(options)
    const { unsealed } = given
    return adopt(fd, given, boolean('options.unsealed', unsealed, false) ? ANY : SEALED, null)
  }

  dup() {
    const core = memoryOf(this)
    core.check()
    const facts = native.sharedMemoryDuplicate(core.id)
    return /** @type {this} */ (new SharedMemory(new MemoryCore(facts, core.name, core.range)))
  }

  /** From the first time on a property of the handle's own. @returns {ArrayBuffer} */
  get buffer() {
    const core = memoryOf(this)
    core.check()
    // A handle that its owner has frozen comes here each time.
    const shown = core.plain ?? core.show(false)
    if (shown === undefined) {
      throw notSupported('This runtime has no buffers over memory that is not its own: use read() and write()')
    }
    core.plain = shown
    owners.set(shown.buffer, new WeakRef(this))
    fix(this, 'buffer', shown.buffer)
    return /** @type {ArrayBuffer} */ (shown.buffer)
  }

  /** @returns {SharedArrayBuffer | undefined} */
  get sharedBuffer() {
    const core = memoryOf(this)
    core.check()
    const shown = core.shared ?? core.show(true)
    core.shared = shown
    const buffer = /** @type {SharedArrayBuffer | undefined} */ (shown?.buffer)
    fix(this, 'sharedBuffer', buffer)
    return buffer
  }

  /** @returns {SharedAtomics} */
  get atomics() {
    const atomics = new SharedAtomics(memoryOf(this))
    fix(this, 'atomics', atomics)
    return atomics
  }

  /** @param {number} [offset] @param {number} [length] @returns {Buffer} */
  read(offset = 0, length = Number.MAX_SAFE_INTEGER) {
    const core = memoryOf(this)
    const from = integer('offset', offset, 0, core.size)
    const bytes = Math.min(integer('length', length), core.size - from)
    core.check()
    const target = Buffer.allocUnsafe(bytes)
    if (bytes > 0) {
      offsets[0] = from
      native.sharedMemoryRead(core.id, target)
    }
    return target
  }

  /** @param {unknown} data @param {number} [offset] */
  write(data, offset = 0) {
    const core = memoryOf(this)
    const bytes = bytesOf(data)
    const to = integer('offset', offset, 0, core.size)
    if (bytes.length > core.size - to) {
      throw outOfRange('data', `of at most ${core.size - to} bytes, which are left from the offset on`, bytes.length)
    }
    core.check()
    if (bytes.length === 0) return
    offsets[0] = to
    native.sharedMemoryWrite(core.id, bytes)
  }

  /**
   * @param {number} offset
   * @param {number} expected
   * @param {WaitOptions} [options]
   * @returns {Promise<'ok' | 'not-equal' | 'timed-out'>}
   */
  async wait(offset, expected, options) {
    const core = memoryOf(this)
    const at = wordAt(core, offset, 4)
    const word = integer('expected', expected, -0x80000000, 0xffffffff) | 0
    const wait = waitOf(objectOf(options))
    core.check()
    return waitFor(core, at, word, wait)
  }

  /**
   * @param {number} offset
   * @param {number} expected
   * @param {{ timeout?: number }} [options]
   */
  waitSync(offset, expected, options) {
    const core = memoryOf(this)
    const at = wordAt(core, offset, 4)
    const word = integer('expected', expected, -0x80000000, 0xffffffff) | 0
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return waitForSync(core, at, word, timeout)
  }

  /** @param {number} offset @param {number} [count] @returns {number} */
  notify(offset, count = Number.POSITIVE_INFINITY) {
    const core = memoryOf(this)
    const at = wordAt(core, offset, 4)
    const most = count === Number.POSITIVE_INFINITY ? 0x7fffffff : Math.min(integer('count', count), 0x7fffffff)
    core.check()
    offsets[0] = at
    // The kernel takes 0 for 1.
    return most === 0 ? 0 : native.sharedMemoryNotify(core.id, most)
  }

  /** @returns {Seal[]} */
  get seals() {
    const core = memoryOf(this)
    core.check()
    return sealsOf(native.sharedMemorySeals(core.id))
  }

  /** @param {...Seal} seals */
  seal(...seals) {
    const core = memoryOf(this)
    const bits = bitsOf('seals', seals)
    core.check()
    const wasShown = core.plain !== undefined
    if (!native.sharedMemorySeal(core.id, bits)) return
    core.readOnly = true
    fix(this, 'readOnly', true)
    this.#renew(core, wasShown)
  }

  readOnlyFd() {
    const core = memoryOf(this)
    core.check()
    return native.sharedMemoryReadOnlyFd(core.id)
  }

  /** @param {number} size */
  resize(size) {
    const core = memoryOf(this)
    const bytes = sizeOf(size)
    core.check()
    if (core.readOnly) throw invalidState('Memory cannot be resized by a handle that is read-only')
    const wasShown = core.plain !== undefined
    core.size = native.sharedMemoryResize(core.id, bytes).size
    fix(this, 'size', core.size)
    this.#renew(core, wasShown)
  }

  /** The mapping is another one: what was shown of the old one goes. @param {MemoryCore} core @param {boolean} wasShown */
  #renew(core, wasShown) {
    const wasShared = core.shared !== undefined
    core.revoke()
    // From the prototype again, when somebody asks.
    if (wasShown) Reflect.deleteProperty(this, 'buffer')
    if (wasShared) Reflect.deleteProperty(this, 'sharedBuffer')
  }

  flush() {
    const core = memoryOf(this)
    core.check()
    native.sharedMemoryFlush(core.id)
  }

  pin() {
    const core = memoryOf(this)
    core.check()
    native.sharedMemoryPin(core.id, true)
  }

  unpin() {
    const core = memoryOf(this)
    core.check()
    native.sharedMemoryPin(core.id, false)
  }

  /** @param {string} advice */
  advise(advice) {
    const core = memoryOf(this)
    const number = ADVICE.indexOf(advice)
    if (number < 0) {
      throw invalidValue('advice', advice, `must be one of ${ADVICE.map((known) => `'${known}'`).join(', ')}`)
    }
    core.check()
    native.sharedMemoryAdvise(core.id, number)
  }

  stat() {
    const core = segmentOf(this)
    const { attachedAt, detachedAt, changedAt, ...rest } = native.sharedMemoryStat(core.id)
    return {
      ...rest,
      attachTime: dateOf(attachedAt),
      detachTime: dateOf(detachedAt),
      changeTime: new Date(changedAt * 1000),
    }
  }

  /** @param {{ uid?: number, gid?: number, mode?: number }} changes */
  set(changes) {
    if (changes === undefined) throw invalidType('changes', 'an object', changes)
    const { uid, gid, mode } = ownershipOf(objectOf(changes, 'changes'))
    native.sharedMemorySet(segmentOf(this).id, uid, gid, mode)
  }

  unlink() {
    const core = memoryOf(this)
    core.check()
    if (core.kind === 'sysv') native.sharedMemoryRemove(core.id)
    else if (core.name === null) throw notSupported('This memory has no name that could be removed')
    else if (core.kind === 'posix') native.sharedMemoryUnlink(core.name)
    else native.sharedMemoryUnlinkFile(core.name)
  }
}

/** What travels of a handle, and how it is rebuilt: what this user could shorten anyway need not be sealed. */
export const handover = {
  /** @param {SharedMemory} memory @returns {Omit<import('../handover.js').Parcel, 'kind'>} */
  describe(memory) {
    const core = memoryOf(memory)
    if (core.segment !== null) return { fds: [], meta: { id: core.segment, readOnly: core.readOnly } }
    return { fds: [core.fd], meta: { readOnly: core.readOnly, name: core.name, ...core.range } }
  },

  /** @param {{ fds: number[], meta: { [name: string]: any } }} parcel */
  rebuild({ fds, meta }) {
    if (fds.length === 0) return SharedMemory.fromSysvId(meta.id, { readOnly: meta.readOnly })
    return adopt(fds[0], meta, OWN, meta.name ?? null)
  },
}

/** @param {unknown} fd @param {Record<string, any>} options @param {number} trust @param {string | null} name */
function adopt(fd, options, trust, name) {
  const number = descriptor('fd', fd)
  const { readOnly } = options
  const range = rangeOf(options)
  const readable = boolean('options.readOnly', readOnly, false)
  if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
  const facts = native.sharedMemoryAdopt(number, readable, range.offset, range.length, trust)
  return new SharedMemory(new MemoryCore(facts, name, range))
}

/** @param {unknown} name @returns {string | undefined} */
function nameOf(name) {
  return name === null ? undefined : stringOf(name)
}

/** @param {unknown} name */
function stringOf(name) {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  return name
}

/** @param {SharedMemory} memory */
function segmentOf(memory) {
  const core = memoryOf(memory)
  core.check()
  if (core.segment === null) throw notSupported('Only System V segments have that')
  return core
}
