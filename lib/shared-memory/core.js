/**
 * What stands behind a handle of shared memory: its size, and what was shown of it to the program.
 */
import { Core, coresOf } from '../handle.js'
import native from '../load.js'

/** @typedef {import('../../native.js').SharedMemoryFacts} Facts */
/** @typedef {{ buffer: ArrayBuffer | SharedArrayBuffer, shown: number }} Shown */

const NATIVE = { close: native.sharedMemoryClose, detach: native.sharedMemoryDetach }
/** A segment has no descriptor to give up. */
const SEGMENT = { close: native.sharedMemoryClose }

export const KINDS = /** @type {const} */ (['memfd', 'posix', 'sysv', 'file'])

/**
 * The addresses of a buffer stay reserved until nobody can have it any more: calls of Node's that run on other threads
 * hold on to the buffer, not to the handle.
 * @type {FinalizationRegistry<number>}
 */
const forgotten = new FinalizationRegistry((shown) => native.sharedMemoryForget(shown))

export class MemoryCore extends Core {
  /**
   * @param {Facts} facts
   * @param {string | null} name
   * @param {{ offset: number, length: number | undefined }} range which part of the object it is
   */
  constructor(facts, name, range = { offset: 0, length: undefined }) {
    super(facts.id, facts.fd, facts.fd < 0 ? SEGMENT : NATIVE)
    this.kind = KINDS[facts.kind]
    this.size = facts.size
    this.readOnly = facts.readOnly
    this.skew = facts.skew
    this.segment = facts.segment ?? null
    this.name = facts.name ?? name
    this.range = range
    /** @type {Shown | undefined} */
    this.plain = undefined
    /** @type {Shown | undefined} */
    this.shared = undefined
  }

  /** A buffer over the memory, undefined where the runtime has none. @param {boolean} shared @returns {Shown | undefined} */
  show(shared) {
    const shown = /** @type {Shown | null} */ (native.sharedMemoryBuffer(this.id, shared))
    if (shown === null || shown === undefined) return undefined
    forgotten.register(shown.buffer, shown.shown)
    return shown
  }

  /** Takes the memory away from behind what was shown of it. */
  revoke() {
    for (const shown of [this.plain, this.shared]) {
      if (shown !== undefined) native.sharedMemoryRevoke(shown.shown, shown.buffer)
    }
    this.plain = undefined
    this.shared = undefined
  }

  leave() {
    super.leave()
    this.revoke()
  }
}

export const memoryOf = coresOf(MemoryCore, 'a SharedMemory')
