import { Condition, Mutex } from '../../../index.js'
import { namesOf, remaining } from '../harness/held.js'
import { opened } from '../harness/opened.js'
import { permits } from '../harness/permits.js'

/** Conditions: what there is is counted under a mutex, and whoever finds nothing waits. Both ends are handles of one condition. */
const conditions = namesOf(Condition)
const mutexes = namesOf(Mutex)

/** One for all: who waits for a condition that is closed locks it once more. @type {Mutex | undefined} */
let shared
const mutex = () => {
  shared ??= Mutex.open(mutexes.newName())
  return shared
}

/** What the handles of one condition share. @type {WeakMap<object, { count: number }>} */
const states = new WeakMap()
const stateOf = (/** @type {Condition} */ condition) => /** @type {{ count: number }} */ (states.get(condition))

/** It says itself that it is closed. @param {Condition} condition */
const check = (condition) => condition.closed && condition.notify()

/** What it has not done it does the second time. @param {any} guard */
function unlock(guard) {
  try {
    guard.unlock()
  } catch {
    guard.unlock()
  }
}

/** @param {Condition} condition @param {any} [options] */
async function acquire(condition, options) {
  check(condition)
  const state = stateOf(condition)
  const left = remaining(options)
  const guard = await mutex().lock(left())
  try {
    while (state.count === 0) await condition.wait(guard, left())
    state.count--
  } finally {
    unlock(guard)
  }
}

/** @param {Condition} condition @param {any} [options] */
function acquireSync(condition, options) {
  check(condition)
  const state = stateOf(condition)
  const left = remaining(options)
  const guard = mutex().lockSync(left())
  try {
    while (state.count === 0) condition.waitSync(guard, left())
    state.count--
  } finally {
    unlock(guard)
  }
}

export default permits({
  name: 'condition',
  descriptors: false,
  forgotten: true,
  /** Each wait has a thread. */
  threads: true,
  most: 200,
  mostWaits: 500,
  unordered: true,
  keepsPlace: true,
  failingCalls: { semget: ['ENOSPC', 'ENOMEM'], semop: ['ENOMEM'] },

  acquires: { acquire },
  tryAcquire(condition) {
    check(condition)
    const state = stateOf(condition)
    if (state.count === 0) return false
    state.count--
    return true
  },
  acquireSync,
  give(condition) {
    check(condition)
    stateOf(condition).count++
    try {
      condition.notify()
    } catch (error) {
      stateOf(condition).count--
      throw error
    }
  },

  /** A wait with nothing around it. Whoever is served has the mutex. @param {Condition} condition */
  begin(condition) {
    const guard = mutex().lockSync()
    const free = () => unlock(guard)
    const waiting = condition.wait(guard)
    waiting.then(free, free)
    return waiting
  },

  another(handle) {
    const copy = handle.dup()
    states.set(copy, stateOf(handle))
    return copy
  },

  calls({ sender, receiver }) {
    return {
      wait: () => mutex().with((guard) => receiver.wait(guard)),
      waitSync: () => mutex().with((guard) => receiver.waitSync(guard)),
      notify: () => sender.notify(),
      'notify all': () => sender.notify(Number.POSITIVE_INFINITY),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
    }
  },

  onThreads: ({ receiver, sender }) => [acquire(receiver), acquire(sender)],

  async open() {
    const name = conditions.newName()
    const sender = Condition.open(name)
    const receiver = conditions.copyOf(sender, name)
    const state = { count: 0 }
    for (const handle of [sender, receiver]) states.set(handle, state)
    return opened(sender, receiver, () => conditions.drop(name))
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = [acquire(receiver, { signal }), acquire(receiver, { timeout: 600_000 }), acquire(sender)]
    return { pending, handles: [sender, receiver, mutex()] }
  },
})
