/**
 * Many readers or one writer, between processes: served in the order in which they came, readers together.
 */
import { coresOf, Handle } from '../handle.js'
import native from '../load.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED } from '../wait/direction.js'
import { LockCore, READ, WRITE } from './core.js'
import { Line } from './line.js'
import { lockOptionsOf, nameOf, RW_LOCK } from './options.js'

/** @typedef {import('./guard.js').Guard} Guard */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

class RwLockCore extends LockCore {
  /** @param {number} id @param {import('./options.js').Opened} opened */
  constructor(id, opened) {
    super(id, RW_LOCK, opened)
    this.line = new Line(this)
    this.directions.push(this.line)
  }
}

const rwLockOf = coresOf(RwLockCore, 'a RwLock')

export class RwLock extends Handle {
  /** @param {string} name @param {{ mode?: number, anyOwner?: boolean }} [options] */
  static open(name, options) {
    const word = nameOf(name)
    const checked = lockOptionsOf(options)
    return new RwLock(new RwLockCore(native.lockOpen(RW_LOCK, word, checked), { name: word, ...checked }))
  }

  /** @param {string} name */
  static unlink(name) {
    native.lockUnlink(RW_LOCK, nameOf(name))
  }

  dup() {
    const core = rwLockOf(this)
    core.check()
    return /** @type {this} */ (RwLock.open(core.opened.name, core.opened))
  }

  /** @param {WaitOptions} [options] @returns {Promise<Guard>} */
  read(options) {
    return enter(this, READ, options)
  }

  /** @returns {Guard | undefined} */
  tryRead() {
    return tryEnter(this, READ)
  }

  /** @param {{ timeout?: number }} [options] @returns {Guard} */
  readSync(options) {
    return enterSync(this, READ, options)
  }

  /** @param {WaitOptions} [options] @returns {Promise<Guard>} */
  write(options) {
    return enter(this, WRITE, options)
  }

  /** @returns {Guard | undefined} */
  tryWrite() {
    return tryEnter(this, WRITE)
  }

  /** @param {{ timeout?: number }} [options] @returns {Guard} */
  writeSync(options) {
    return enterSync(this, WRITE, options)
  }
}

/** @param {RwLock} lock @param {number} how @param {WaitOptions} [options] @returns {Promise<Guard>} */
function enter(lock, how, options) {
  try {
    const core = rwLockOf(lock)
    const wait = waitOf(objectOf(options))
    core.check()
    return core.line.enter(how, wait)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** @param {RwLock} lock @param {number} how @returns {Guard | undefined} */
function tryEnter(lock, how) {
  const core = rwLockOf(lock)
  core.check()
  const guard = core.line.tryEnter(how)
  return guard === BLOCKED ? undefined : guard
}

/** @param {RwLock} lock @param {number} how @param {{ timeout?: number }} [options] @returns {Guard} */
function enterSync(lock, how, options) {
  const core = rwLockOf(lock)
  const timeout = timeoutOf(objectOf(options))
  core.check()
  return core.line.enterSync(how, timeout)
}
