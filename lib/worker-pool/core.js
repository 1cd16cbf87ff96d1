/**
 * What stands behind a pool: its workers, the tasks that wait for one, and what becomes of both when one dies.
 */
import { setTimeout } from 'node:timers'
import { closedError } from '../errors.js'
import { Core } from '../handle.js'
import { died, isLoss, notStarted, thrownBy } from './errors.js'
import { Member } from './member.js'

/** @typedef {import('./options.js').Terms} Terms */
/** @typedef {import('./task.js').Task} Task */
/** @typedef {import('./member.js').End} End */

/** So many workers in a row may be of no use; so many may die of a task that is retried. */
const MOST = 3
/** Milliseconds: a worker that ends sooner, without having done anything, was of no use. */
const SOON = 1000
/** Milliseconds before another one is started in place of such a one; twice as many each time, up to the longest. */
const PAUSE = 100
const LONGEST_PAUSE = 10_000

/** The processes. Nothing of it leads back to the core: a pool that is forgotten is closed by it. */
class Crew {
  /** @type {Set<Member>} */
  members = new Set()
  over = false

  close() {
    this.over = true
    for (const member of this.members) member.end()
  }
}

export class PoolCore extends Core {
  /** @param {Terms} terms */
  constructor(terms) {
    const crew = new Crew()
    // No function that is made here: it would lead back.
    super(1, -1, crew)
    this.crew = crew
    this.terms = terms
    /** Those that have nothing to do: the one that has waited for longest comes first. @type {Set<Member>} */
    this.idle = new Set()
    /** @type {Set<Task>} */
    this.queue = new Set()
    /** All that have not settled. @type {Set<Task>} */
    this.tasks = new Set()
    /** Workers in a row that were of no use. */
    this.failures = 0
    /** Why there are no workers, and will be none. @type {(() => Error) | undefined} */
    this.broken = undefined
    this.draining = false
    /** Whoever waits for the last task. @type {Set<() => void>} */
    this.quiet = new Set()
    this.closing.add(() => this.failAll(closedError))
  }

  /** @param {Task} task */
  add(task) {
    this.tasks.add(task)
    this.begin()
    this.queue.add(task)
    this.proceed()
  }

  /** It has settled. @param {Task} task */
  forget(task) {
    this.queue.delete(task)
    this.tasks.delete(task)
    this.end()
    if (this.tasks.size > 0) return
    for (const told of [...this.quiet]) told()
  }

  /** @param {() => Error} make */
  failAll(make) {
    for (const task of [...this.tasks]) task.fail(make())
  }

  /** Gives tasks to those who have none. */
  proceed() {
    for (const task of this.queue) {
      const [member] = this.idle
      if (member === undefined) return
      this.queue.delete(task)
      this.idle.delete(member)
      this.give(task, member)
    }
  }

  /** @param {Task} task @param {Member} member */
  async give(task, member) {
    try {
      const value = await member.perform(task)
      task.succeed(value)
    } catch (error) {
      if (isLoss(error)) return this.lost(task, member, /** @type {any} */ (error))
      task.fail(thrownBy(error))
    }
    this.prove(member)
    this.spare(member)
  }

  /** @param {Member} member */
  spare(member) {
    if (member.ending) return
    this.idle.add(member)
    this.proceed()
  }

  /**
   * Its worker has gone, or says what cannot be.
   * @param {Task} task
   * @param {Member} member
   * @param {Error & { delivered?: string }} error
   */
  async lost(task, member, error) {
    member.end()
    const end = await member.ended
    if (task.settled) return
    // What was never sent is no fault of its own.
    const sent = error.delivered !== 'no'
    if (sent && (++task.deaths === MOST || !task.retry)) {
      task.fail(died(end, error))
      return
    }
    this.queue = new Set([task, ...this.queue])
    this.proceed()
  }

  /** Starts a worker. */
  enlist() {
    const member = new Member(this.terms)
    this.crew.members.add(member)
    // Who has forgotten the pool is not to be kept from that by its processes.
    follow(member, this.crew, new WeakRef(this))
  }

  /** It can be given tasks. @param {Member} member */
  ready(member) {
    member.readyAt = performance.now()
    this.spare(member)
  }

  /** It is no more. @param {Member} member @param {unknown} failure @param {End} end */
  gone(member, failure, end) {
    this.idle.delete(member)
    if (this.crew.over || this.broken !== undefined) return
    if (member.readyAt !== undefined && performance.now() - member.readyAt >= SOON) this.prove(member)
    // What a task has done to its worker is that task's affair.
    if (member.proven || member.begun) this.replace()
    else this.failed(failure, end)
  }

  /** A worker that has been of use: those before it that were not count no more. @param {Member} member */
  prove(member) {
    if (member.proven) return
    member.proven = true
    this.failures = 0
  }

  /** One more was of no use. @param {unknown} failure @param {End} end */
  failed(failure, end) {
    const useful = [...this.crew.members].filter(
      ({ readyAt }) => performance.now() - (readyAt ?? Number.POSITIVE_INFINITY) >= SOON,
    )
    for (const member of useful) this.prove(member)
    this.failures++
    if (this.failures >= MOST && useful.length === 0) {
      this.broken = () => notStarted(failure, end)
      for (const member of this.crew.members) member.end()
      this.failAll(this.broken)
      return
    }
    const pause = Math.min(LONGEST_PAUSE, PAUSE * 2 ** (this.failures - 1))
    setTimeout(() => this.replace(), pause).unref()
  }

  replace() {
    if (this.crew.over || this.broken !== undefined) return
    try {
      this.enlist()
    } catch (error) {
      this.failed(error, { code: null, signal: null })
    }
  }

  /** Ends all workers, and sees them out. */
  async dismiss() {
    this.crew.close()
    const { members } = this.crew
    for (const { child } of members) child.ref()
    await Promise.all([...members].map(({ ended }) => ended))
  }
}

/**
 * A worker from its start to its end.
 * @param {Member} member
 * @param {Crew} crew
 * @param {WeakRef<PoolCore>} core
 */
async function follow(member, crew, core) {
  let failure
  try {
    await member.start()
    core.deref()?.ready(member)
  } catch (error) {
    failure = error
    member.end()
  }
  const end = await member.ended
  crew.members.delete(member)
  core.deref()?.gone(member, failure, end)
}
