/**
 * Locks, as permits, all of one process: the lock is held while there is nothing to be had. Whoever gives unlocks it, and
 * whoever takes the last one keeps it.
 */
import { randomInt } from 'node:crypto'
import { leftovers } from './leftovers.js'
import { opened } from './opened.js'
import { permits } from './permits.js'

/**
 * Names that nobody else has, and that go when their process has gone.
 * @param {any} type a class whose objects have them
 * @param {string} [start] of each
 */
export function namesOf(type, start = '') {
  const nameOf = (/** @type {number} */ key) => `${start}faults-${key}`
  const { note, drop } = leftovers(`names-${type.name}`, (key) => type.unlink(nameOf(key)))
  const dropName = (/** @type {string} */ name) => drop(Number(name.split('-')[1]))
  return {
    newName() {
      const key = randomInt(1, 2 ** 31)
      note(key)
      return nameOf(key)
    },
    drop: dropName,
    /** One more handle; without it, nothing stays. @template {{ dup(): any, close(): void }} T @param {T} handle @param {string} name @returns {T} */
    copyOf(handle, name) {
      try {
        return handle.dup()
      } catch (error) {
        handle.close()
        dropName(name)
        throw error
      }
    },
  }
}

/** What is left of a time, asked again and again. */
export function remaining({ timeout = Number.POSITIVE_INFINITY, ...others } = {}) {
  const end = performance.now() + timeout
  return () => ({ ...others, timeout: Math.max(0, end - performance.now()) })
}

/** What the handles of one lock share: how many there are, and the guard while that is none. */
class Store {
  count = 0
  /** @type {any} */
  guard = undefined

  /** @param {any} guard */
  taken(guard) {
    // Nobody has given what a lock that was merely free has let in.
    this.count = Math.max(0, this.count - 1)
    if (this.count > 0) guard.unlock()
    else this.guard = guard
  }

  give() {
    // One that cannot be unlocked is held still.
    this.guard?.unlock()
    this.guard = undefined
    this.count++
  }
}

/**
 * @param {any} kind as permits() has it, and beside that `class`; `take`: how it is taken alone; `calls`, `waits`: those of its own
 */
export function held({ class: type, take, calls, waits, holds, ...kind }) {
  const { newName, drop, copyOf } = namesOf(type)
  /** @type {WeakMap<object, Store>} */
  const stores = new WeakMap()
  const another = (/** @type {any} */ handle) => {
    const copy = handle.dup()
    stores.set(copy, /** @type {Store} */ (stores.get(handle)))
    return copy
  }
  const storeOf = (/** @type {any} */ handle) => /** @type {Store} */ (stores.get(handle))
  const acquires = Object.entries(take.ways).map(([name, way]) => [
    name,
    async (/** @type {any} */ handle, /** @type {any} */ options) =>
      storeOf(handle).taken(await /** @type {any} */ (way)(handle, options)),
  ])

  return permits({
    /** No descriptor is spent on a handle. */
    descriptors: false,
    forgotten: true,
    keepsPlace: true,
    ...kind,
    holds: { ...holds, newName, drop },

    acquires: Object.fromEntries(acquires),
    tryAcquire(handle) {
      const guard = take.try(handle)
      if (guard !== undefined) storeOf(handle).taken(guard)
      return guard !== undefined
    },
    acquireSync: (handle, options) => storeOf(handle).taken(take.sync(handle, options)),
    give(handle) {
      // It says itself that it is closed.
      if (handle.closed) take.try(handle)
      storeOf(handle).give()
    },
    another,

    calls: (ends) => ({
      ...calls(ends),
      dup: () => ends.receiver.dup(),
      detach: () => ends.receiver.detach(),
    }),
    onThreads: ({ receiver, sender }) => [waits(receiver)[0]({}), waits(sender)[0]({})],

    async open() {
      const name = newName()
      const sender = type.open(name)
      const store = new Store()
      stores.set(sender, store)
      const receiver = copyOf(sender, name)
      stores.set(receiver, store)
      try {
        store.guard = take.sync(sender, {})
      } catch (error) {
        for (const handle of [sender, receiver]) handle.close()
        drop(name)
        throw error
      }
      return opened(sender, receiver, () => {
        store.guard?.unlock()
        store.guard = undefined
        drop(name)
      })
    },

    /** @param {import('./context.js').Context} context */
    async wait(context) {
      const { sender, receiver } = await this.open(context)
      const { signal } = new AbortController()
      const pending = []
      for (let i = 0; i < 8; i++) {
        for (const wait of waits(receiver)) pending.push(wait({ signal }), wait({ timeout: 600_000 }))
        pending.push(waits(sender)[0]({}))
      }
      return { pending, handles: [sender, receiver] }
    },
  })
}
