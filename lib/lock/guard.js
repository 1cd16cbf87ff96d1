import { illegalConstructor, invalidThis } from '../errors.js'

const INTERNAL = Symbol('internal')

/**
 * What somebody holds until they say otherwise. Garbage collection does not: a program may take a lock for good and keep
 * nothing of it.
 */
export class Guard {
  /** @type {(() => void) | undefined} */
  #release
  #abandoned

  /** @param {symbol} key @param {() => void} release @param {boolean} abandoned */
  constructor(key, release, abandoned) {
    if (key !== INTERNAL) throw illegalConstructor()
    this.#release = release
    this.#abandoned = abandoned
  }

  get abandoned() {
    if (!(#release in this)) throw invalidThis('a guard of os-ipc')
    return this.#abandoned
  }

  /** Once; later calls do nothing. */
  unlock() {
    if (!(#release in this)) throw invalidThis('a guard of os-ipc')
    const release = this.#release
    this.#release = undefined
    release?.()
  }

  /** `Symbol.dispose` where the runtime has it. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    this.unlock()
  }
}

/** @param {() => void} release gives back what is held; called once @param {boolean} abandoned */
export function guardOf(release, abandoned = false) {
  return new Guard(INTERNAL, release, abandoned)
}
