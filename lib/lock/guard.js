import { illegalConstructor, invalidState, invalidThis } from '../errors.js'

const INTERNAL = Symbol('internal')

/**
 * What somebody holds until they say otherwise. Garbage collection does not: a program may take a lock for good and keep
 * nothing of it.
 */
export class Guard {
  /** @type {(() => void) | undefined} */
  #release
  #abandoned
  /** Who knows how to take it again. @type {object | undefined} */
  #owner

  /** @param {symbol} key @param {() => void} release @param {boolean} abandoned @param {object | undefined} owner */
  constructor(key, release, abandoned, owner) {
    if (key !== INTERNAL) throw illegalConstructor()
    this.#release = release
    this.#abandoned = abandoned
    this.#owner = owner
  }

  /** Whose it is, undefined of anything that holds nothing. @param {any} guard @returns {object | undefined} */
  static ownerOf(guard) {
    if (guard === null || typeof guard !== 'object' || !(#release in guard)) return undefined
    return guard.#release === undefined || guard.#release === refuse ? undefined : guard.#owner
  }

  /** What gives it up for a while; nobody else can meanwhile. @param {Guard} guard */
  static lend(guard) {
    const release = /** @type {() => void} */ (guard.#release)
    guard.#release = refuse
    return release
  }

  /** What `other` holds is held by `guard` again; without it nothing is. @param {Guard} guard @param {Guard} [other] */
  static restore(guard, other) {
    guard.#release = other === undefined ? undefined : other.#release
    if (other === undefined) return
    other.#release = undefined
    guard.#abandoned = other.#abandoned
  }

  get abandoned() {
    if (!(#release in this)) throw invalidThis('a guard of os-ipc')
    return this.#abandoned
  }

  /** Once; later calls do nothing. */
  unlock() {
    if (!(#release in this)) throw invalidThis('a guard of os-ipc')
    const release = this.#release
    if (release !== refuse) this.#release = undefined
    release?.()
  }

  /** `Symbol.dispose` where the runtime has it. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    this.unlock()
  }
}

function refuse() {
  throw invalidState('The guard was given up to wait for a condition, and will hold again')
}

/** @param {() => void} release gives back what is held; called once @param {boolean} [abandoned] @param {object} [owner] */
export function guardOf(release, abandoned = false, owner = undefined) {
  return new Guard(INTERNAL, release, abandoned, owner)
}
