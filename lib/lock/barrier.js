/**
 * Lets processes go on together, when so many have come.
 */
import { timedOut, tooManyPending } from '../errors.js'
import { Core, coresOf, fix, Handle } from '../handle.js'
import native from '../load.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { runJob } from '../wait/job.js'
import { BARRIER, barrierOptionsOf, nameOf } from './options.js'
import { reopening } from './reopening.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

/** Milliseconds: so soon a worker that is being terminated is to see it. Nothing is lost between two slices. */
const SLICE = 100
const DONE = 0

const NATIVE = { close: native.barrierClose }

class BarrierCore extends Core {
  /** @param {number} id @param {import('./options.js').Opened & { parties: number }} opened */
  constructor(id, opened) {
    super(id, -1, NATIVE)
    this.opened = opened
  }

  /** @template T @param {() => T} call @returns {T} */
  reopening(call) {
    return reopening(BARRIER, this.id, call)
  }
}

const barrierOf = coresOf(BarrierCore, 'a Barrier')

export class Barrier extends Handle {
  /** @param {BarrierCore} core */
  constructor(core) {
    super(core)
    fix(this, 'parties', core.opened.parties)
  }

  /** @param {string} name @param {{ parties: number, mode?: number, anyOwner?: boolean }} options */
  static open(name, options) {
    const word = nameOf(name)
    const checked = barrierOptionsOf(options)
    return new Barrier(new BarrierCore(native.lockOpen(BARRIER, word, checked), { name: word, ...checked }))
  }

  /** @param {string} name */
  static unlink(name) {
    native.lockUnlink(BARRIER, nameOf(name))
  }

  dup() {
    const core = barrierOf(this)
    core.check()
    return /** @type {this} */ (Barrier.open(core.opened.name, core.opened))
  }

  /** @param {WaitOptions} [options] @returns {Promise<{ last: boolean }>} */
  async wait(options) {
    const core = barrierOf(this)
    const wait = waitOf(objectOf(options))
    if (wait.signal?.aborted) throw wait.signal.reason
    core.check()
    if (core.waiting >= core.pendingLimit) throw tooManyPending(core.pendingLimit)
    const last = await runJob(
      (reactor, token) => core.reopening(() => native.barrierWait(reactor, token, core.id)),
      wait,
      [core],
    )
    return { last: last === 1 }
  }

  /** @param {{ timeout?: number }} [options] */
  waitSync(options) {
    const core = barrierOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    if (core.reopening(() => native.barrierArrive(core.id))) return { last: true }
    const deadline = performance.now() + timeout
    try {
      for (let left = timeout; left > 0; left = deadline - performance.now()) {
        if (native.barrierWaitSync(core.id, Math.min(SLICE, Math.ceil(left))) === DONE) return { last: false }
      }
      if (native.barrierWithdraw(core.id)) throw timedOut()
      return { last: false }
    } finally {
      native.barrierWithdraw(core.id)
    }
  }
}
