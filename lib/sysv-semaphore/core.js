/**
 * What stands behind a handle of a semaphore set: a line of waiters for each semaphore, and one for each list of
 * operations that somebody waits for.
 */
import { isMainThread } from 'node:worker_threads'
import { timedOut } from '../errors.js'
import { Core, coresOf } from '../handle.js'
import native from '../load.js'
import { BLOCKED } from '../wait/direction.js'
import { Permits } from '../wait/permits.js'
import { Line } from './line.js'

/** @typedef {import('./operations.js').List} List */

// By names of their own: a look into the addon, which has a hundred of them, would be felt in each call.
const { sysvSemaphoreOperate, sysvSemaphoreOperateOne, sysvSemaphoreOperateHere } = native

const NATIVE = { close: native.sysvSemaphoreClose }

// The process that a worker belongs to goes on, so the kernel will not give back what the worker has taken with undo.
if (!isMainThread) native.sysvSemaphoreSettleAtEnd()

export class SetCore extends Core {
  /** @param {import('../../native.js').SysvSemaphoreFacts} facts */
  constructor(facts) {
    super(facts.id, -1, NATIVE)
    this.key = facts.key
    /** The kernel's number of the set. */
    this.number = facts.number
    this.count = facts.count
    /** For takes from one semaphore, which are served in their order whatever they take. @type {Line[]} */
    this.single = []
    /** For all other lists, by name, those that somebody waits for. @type {Map<string, Line>} */
    this.lists = new Map()
    /** Those whose thread was called off and has not said yet whether it has taken something all the same. @type {Set<Line>} */
    this.leaving = new Set()
  }

  /** @param {List} list */
  lineOf(list) {
    if (list.amount >= 0) return this.lists.get(list.name) ?? new Line(this, list.name)
    return this.single[list.index] ?? this.newSingle(list.index)
  }

  /** @param {number} index */
  newSingle(index) {
    const line = new Line(this, undefined)
    this.single[index] = line
    this.directions.push(line)
    return line
  }

  /** @param {List} list @returns {undefined | typeof BLOCKED} */
  attempt(list) {
    const { id } = this
    const done =
      list.index < 0
        ? sysvSemaphoreOperate(id, list.frame)
        : sysvSemaphoreOperateOne(id, list.index, list.amount & 0xffff, list.undo)
    return done === 0 ? undefined : BLOCKED
  }

  /** Does it at once if that can be: what a thread is about to give back is there, too. @param {List} list */
  tryOperate(list) {
    return this.attempt(list) !== BLOCKED || (this.recall() && this.attempt(list) !== BLOCKED)
  }

  /** Sees out threads that were called off. @returns {boolean} whether anything has come back by that */
  recall() {
    if (this.leaving.size === 0) return false
    let any = false
    for (const line of [...this.leaving]) {
      this.leaving.delete(line)
      if (line.recall() === undefined) continue
      line.done()
      any = true
    }
    return any
  }

  /** @param {List} list @param {number} timeout */
  operateSync(list, timeout) {
    if (this.tryOperate(list)) return
    if (timeout === 0) throw timedOut()
    const { id } = this
    const lines = [...this.single, ...this.lists.values()].filter((line) => line?.job !== undefined)
    const permits = new Permits(this, {
      tryTake: () => this.attempt(list),
      beginTake: (reactor, token) => native.sysvSemaphoreWait(reactor, token, id, list.frame),
      takeHere: (milliseconds) => (sysvSemaphoreOperateHere(id, list.frame, milliseconds) === 0 ? undefined : BLOCKED),
    })
    try {
      for (const line of lines) if (line.recallFor(list)) return
      permits.takeSync(timeout)
    } finally {
      for (const line of lines) line.onReady()
    }
  }

  leave() {
    super.leave()
    for (const line of [...this.lists.values()]) line.close()
  }
}

export const setOf = coresOf(SetCore, 'a SysvSemaphoreSet')
