/**
 * What every handle is: something open that is closed once, that waits may go on upon, and that keeps the event loop
 * alive while they do.
 */
import { closedError, illegalConstructor, invalidState, invalidThis, notSupported } from './errors.js'
import { register, release, retain, unregister } from './reactor.js'
import { Site } from './site.js'
import { integer } from './validate.js'

/** @typedef {import('./wait/direction.js').Direction} Direction */
/** @typedef {import('./reactor.js').Source} Source */

/**
 * How the addon is told what to do with an object that it holds under a number.
 * @typedef {object} Native
 * @property {(id: number) => void} close
 * @property {(id: number) => number} [detach]
 */

const PENDING_LIMIT = 65_536

/** Somebody waits on them, so they stay, whatever else is forgotten. @type {Set<Core>} */
const awaited = new Set()

/** Handles by descriptor: two handles that both own a number would close somebody else's. @type {Map<number, WeakRef<Core>>} */
const owners = new Map()

/** The state of a handle, for this package alone: users hold a Handle, which shows less. */
export class Core {
  /**
   * @param {number} id the addon's number of the object; 0 once it is closed
   * @param {number} fd -1 where there is no single descriptor
   * @param {Native} native
   */
  constructor(id, fd, native) {
    this.id = id
    this.fd = fd
    this.native = native
    this.waiting = 0
    this.pendingLimit = PENDING_LIMIT
    /** @type {Direction[]} */
    this.directions = []
    /** Who has taken this handle over (a stream): others may only close it. @type {string | undefined} */
    this.lentTo = undefined
    this.referenced = true
    /** @type {number[]} */
    this.tokens = []
    /** @type {Site | undefined} */
    this.site = undefined
    /** What the handle has as `fd`, where that is no constant. @type {PropertyDescriptor | undefined} */
    this.fdProperty = undefined
    /** Who is to be told of the close. @type {Set<() => void>} */
    this.closing = new Set()
    if (fd >= 0) owners.set(fd, new WeakRef(this))
  }

  get closed() {
    return this.id === 0
  }

  /** Throws unless the handle may be used. */
  check() {
    if (this.id === 0) throw closedError()
    if (this.lentTo !== undefined) throw invalidState(`The handle belongs to ${this.lentTo}`)
  }

  /** @param {Source} source @param {(reactor: number, token: number) => void} watch */
  watch(source, watch) {
    // To be watched keeps no handle from being garbage-collected.
    const watched = new WeakRef(source)
    this.tokens.push(
      register({ onReady: (events) => watched.deref()?.onReady(events) ?? false, express: source.express }, watch),
    )
  }

  /** One more operation waits. */
  begin() {
    if (this.waiting++ > 0) return
    awaited.add(this)
    if (this.referenced) retain()
  }

  /** One less. */
  end() {
    if (--this.waiting > 0) return
    awaited.delete(this)
    if (this.referenced) release()
  }

  /** @param {boolean} on */
  reference(on) {
    if (on === this.referenced) return
    this.referenced = on
    if (this.waiting > 0) (on ? retain : release)()
  }

  close() {
    if (this.id === 0) return
    const { id } = this
    try {
      this.leave()
    } finally {
      this.native.close(id)
    }
  }

  /** @returns {number} */
  detach() {
    this.check()
    const { detach } = this.native
    if (detach === undefined) throw notSupported('This handle has no single descriptor to give up')
    const { id } = this
    this.leave()
    return detach(id)
  }

  /** Settles what waits and stops watching. The object itself is left open. */
  leave() {
    this.id = 0
    if (owners.get(this.fd)?.deref() === this) owners.delete(this.fd)
    unclosed.unregister(this)
    this.site?.drop()
    for (const direction of this.directions) direction.close()
    for (const token of this.tokens) unregister(token)
    for (const told of this.closing) told()
  }
}

/** Whether a handle of this package owns that descriptor already. @param {number} fd */
export function isOwned(fd) {
  return owners.get(fd)?.deref()?.closed === false
}

/** @type {(handle: Handle) => Core} */
let coreOf

export class Handle {
  /** @type {Core} */
  #core

  /** @param {Core} core */
  constructor(core) {
    if (!(core instanceof Core)) throw illegalConstructor()
    this.#core = core
    core.closing.add(() => fix(this, 'fd', -1))
    // Properties that are defined twice make each use of the handle slower by several nanoseconds.
    if (core.fdProperty === undefined) fix(this, 'fd', core.fd)
    else Object.defineProperty(this, 'fd', core.fdProperty)
    const { id, native, tokens } = core
    const site = new Site(new.target)
    core.site = site
    unclosed.register(this, { id, native, tokens, site }, core)
  }

  static {
    coreOf = (handle) => {
      if (handle === null || typeof handle !== 'object' || !(#core in handle)) throw invalidThis('a handle of os-ipc')
      return handle.#core
    }
  }

  get closed() {
    return coreOf(this).closed
  }

  get pendingLimit() {
    return coreOf(this).pendingLimit
  }

  set pendingLimit(limit) {
    coreOf(this).pendingLimit = integer('pendingLimit', limit)
  }

  close() {
    coreOf(this).close()
  }

  ref() {
    coreOf(this).reference(true)
    return this
  }

  unref() {
    coreOf(this).reference(false)
    return this
  }

  dup() {
    throw notSupported(`The ${this.constructor.name} cannot be duplicated`)
  }

  detach() {
    return coreOf(this).detach()
  }

  /**
   * What console.log shows: no descriptor where there is none, and none that is made by being looked at.
   * @param {number} depth
   * @param {import('node:util').InspectOptions} options
   * @param {typeof import('node:util').inspect} inspect
   */
  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const name = this.constructor?.name ?? 'Handle'
    if (depth < 0) return `[${name}]`
    /** @type {{ [name: string]: unknown }} */
    const shown = #core in this && this.#core.closed ? { closed: true } : {}
    for (const [key, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(this))) {
      if (get === undefined && !(key === 'fd' && value < 0)) shown[key] = value
    }
    return `${name} ${inspect(shown, { ...options, depth })}`
  }

  /** `Symbol.dispose` where the runtime has it. */
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    coreOf(this).close()
  }
}

export { coreOf }

/**
 * The state of handles of one kind. The addon names objects by numbers, and the same number is another object in another
 * kind's table.
 * @template {Core} T
 * @param {abstract new (...parameters: any[]) => T} Type
 * @param {string} name of the handles' class
 * @returns {(handle: Handle) => T}
 */
export function coresOf(Type, name) {
  return (handle) => {
    const core = coreOf(handle)
    if (!(core instanceof Type)) throw invalidThis(name)
    return core
  }
}

/**
 * Gives a handle a constant as a property of its own. One that its owner has frozen keeps what it has.
 * @param {object} handle
 * @param {string} name
 * @param {unknown} value
 */
export function fix(handle, name, value) {
  Reflect.defineProperty(handle, name, { value, enumerable: true, configurable: true, writable: false })
}

let warned = false

/** Closes what a program forgot to close, and says so once. */
const unclosed = new FinalizationRegistry(
  /** @param {{ id: number, native: Native, tokens: number[], site: Site }} forgotten */
  ({ id, native, tokens, site }) => {
    for (const token of tokens) unregister(token)
    native.close(id)
    if (warned || site.silent) return
    warned = true
    process.emitWarning('An os-ipc handle was not closed before it was garbage-collected', {
      type: 'IpcWarning',
      code: 'ERR_IPC_NOT_CLOSED',
      detail: `It was opened:\n${site}`,
    })
  },
)
