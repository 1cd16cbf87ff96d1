/**
 * What a socket receives.
 */
import { illegalConstructor } from '../errors.js'
import native from '../load.js'
import { spend } from '../reactor.js'
import { claimable, claimed } from './unclaimed.js'

/** @typedef {import('node:buffer').Buffer} Buffer */
/** @typedef {{ pid: number, uid: number, gid: number }} Credentials */

const INTERNAL = Symbol('internal')

/** So many descriptors count as much as another receive without a turn of the event loop. */
const FDS_A_RECEIVE = 4

/** Closes the descriptors that nobody has asked for. */
const forgotten = new FinalizationRegistry(
  /** @param {{ parcel: number, count: number }} held */ ({ parcel, count }) => {
    native.unixParcelDrop(parcel)
    claimed(count)
  },
)

export class SocketMessage {
  /** The addon's number of what came beside; 0 once the caller has it, or nobody. */
  #parcel
  /** How many that are. */
  #count
  /** @type {number[]} */
  #fds = []

  /**
   * @param {symbol} key
   * @param {Buffer} data
   * @param {string | null} from
   * @param {Credentials | null} credentials
   * @param {boolean} truncated
   * @param {number} fdCount
   * @param {number} parcel
   */
  constructor(key, data, from, credentials, truncated, fdCount, parcel) {
    if (key !== INTERNAL) throw illegalConstructor()
    this.data = data
    this.from = from
    this.credentials = credentials
    this.truncated = truncated
    this.fdCount = fdCount
    this.#parcel = parcel
    this.#count = fdCount
    if (parcel === 0) return
    forgotten.register(this, { parcel, count: fdCount }, this)
    claimable(fdCount)
    // Those that nobody takes are closed in a turn of the event loop: it has to come before there are too many.
    spend(fdCount / FDS_A_RECEIVE)
  }

  get fds() {
    const parcel = this.#parcel
    if (parcel !== 0) {
      this.#parcel = 0
      forgotten.unregister(this)
      this.#fds = native.unixParcelTake(parcel)
      claimed(this.#count)
    }
    return this.#fds
  }

  /** `Symbol.dispose` where the runtime has it. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    const parcel = this.#parcel
    if (parcel === 0) return
    this.#parcel = 0
    forgotten.unregister(this)
    native.unixParcelDrop(parcel)
    claimed(this.#count)
  }
}

/**
 * @param {Buffer} data
 * @param {string | null} from
 * @param {Credentials | null} credentials
 * @param {boolean} truncated
 * @param {number} fdCount
 * @param {number} parcel
 */
export function messageOf(data, from, credentials, truncated, fdCount, parcel) {
  return new SocketMessage(INTERNAL, data, from, credentials, truncated, fdCount, parcel)
}
