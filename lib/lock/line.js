/**
 * Readers and writers of one handle in one line: first come, first served. Readers who stand behind one another go in
 * together, when the first of them does; but not ahead of another process's writer who came between.
 */
import { timedOut } from '../errors.js'
import native from '../load.js'
import { startWait } from '../reactor.js'
import { BLOCKED } from '../wait/direction.js'
import { Permits, Take } from '../wait/permits.js'
import { READ, WRITE } from './core.js'

/** @typedef {import('./core.js').LockCore} LockCore */

class Entry extends Take {
  /** @param {import('../wait/permits.js').Source} source @param {number} how */
  constructor(source, how) {
    super(source)
    this.how = how
    /** How many writers, of all processes, had come before. */
    this.writers = 0
  }
}

export class Line extends Permits {
  /** @param {LockCore} core */
  constructor(core) {
    const read = core.source(READ)
    super(core, read)
    this.lock = core
    const write = core.source(WRITE)
    /** @type {Record<number, import('../wait/permits.js').Source>} */
    this.sources = { [READ]: read, [WRITE]: write }
    /** For what does not stand in this line. @type {Record<number, Permits>} */
    this.apart = { [READ]: new Permits(core, read), [WRITE]: new Permits(core, write) }
    /** What the thread takes. */
    this.how = READ
  }

  /** @param {number} how @param {import('../validate.js').Wait} wait @returns {Promise<any>} */
  enter(how, wait) {
    if (wait.timeout > 0 || !this.leaving || wait.signal?.aborted) {
      return this.submit(new Entry(this.sources[how], how), wait)
    }
    try {
      const guard = this.tryEnter(how)
      return guard === BLOCKED ? Promise.reject(timedOut()) : Promise.resolve(guard)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Whether or not others wait. BLOCKED if it cannot be had. @param {number} how */
  tryEnter(how) {
    const guard = this.sources[how].tryTake(false)
    return guard === BLOCKED && this.leaving ? this.enterHere(how, () => BLOCKED) : guard
  }

  /** @param {number} how @param {number} timeout */
  enterSync(how, timeout) {
    const guard = this.tryEnter(how)
    if (guard !== BLOCKED) return guard
    if (timeout === 0) throw timedOut()
    return this.enterHere(how, () => this.apart[how].takeSync(timeout))
  }

  /**
   * Enters while the line's thread does not stand in the kernel's: with what it has taken by then, or what is free without
   * it, or else as `otherwise` says.
   * @param {number} how
   * @param {() => any} otherwise
   */
  enterHere(how, otherwise) {
    const { core, sources } = this
    try {
      if (this.recall() !== undefined) {
        if (this.how === how) return sources[how].taken?.(0)
        native.lockGiveBack(core.id, this.how)
      }
      const guard = sources[how].tryTake(false)
      return guard === BLOCKED ? otherwise() : guard
    } finally {
      if (this.head !== undefined) this.onReady()
    }
  }

  /** The thread stands there for somebody who has given up: it has been told so, but may have taken something by then. */
  get leaving() {
    return this.job !== undefined && !this.serves
  }

  /** Whether the thread takes what the first in line wants. */
  get serves() {
    const head = /** @type {Entry | undefined} */ (this.head)
    return head !== undefined && head.how === this.how
  }

  /** @param {Entry} operation @param {import('../validate.js').Wait} wait */
  enqueue(operation, wait) {
    if (operation.how === READ) operation.writers = native.lockWriters(this.core.id)
    return super.enqueue(operation, wait)
  }

  /** What the thread has taken for a reader who gave up is nothing for a writer, nor the other way round. */
  look() {
    if (this.serves) super.look()
  }

  begin() {
    const { how } = /** @type {Entry} */ (this.head)
    this.how = how
    const { beginTake } = this.sources[how]
    const started = startWait(
      beginTake,
      (error, value) => this.ended(error, value),
      () => this.serves,
    )
    if ('cancel' in started) this.job = started
  }

  /** @param {any} error @param {number} value */
  ended(error, value) {
    this.job = undefined
    const head = /** @type {Entry | undefined} */ (this.head)
    if (head !== undefined && error?.code !== 'ERR_IPC_CANCELLED') {
      this.remove(head)
      if (error === undefined) head.resolve(this.sources[this.how].taken?.(value))
      else head.reject(error)
      if (error === undefined && this.how === READ) this.serveReaders(head.writers)
    }
    this.onReady()
  }

  /** The first of some readers is in; those who came before any other writer did follow him. @param {number} writers */
  serveReaders(writers) {
    for (let next = /** @type {Entry | undefined} */ (this.head); next?.how === READ && next.writers === writers; ) {
      let guard
      try {
        guard = this.lock.entered(READ, native.lockJoin(this.core.id))
      } catch (error) {
        this.fail(next, error)
        return
      }
      this.remove(next)
      next.resolve(guard)
      next = /** @type {Entry | undefined} */ (this.head)
    }
  }

  /** @param {Entry} operation */
  remove(operation) {
    super.remove(operation)
    // A writer has given up whom a thread stands in line for, and readers are next; or the other way round.
    if (this.head !== undefined && !this.serves) this.job?.cancel()
  }
}
