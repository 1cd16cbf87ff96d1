import { FOR_EVER } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'

/** @typedef {import('../wait/direction.js').Direction} Direction */

/** Stands at the head of a connection's queue and passes on what the reactor tells it. */
class Relay extends Operation {
  /** @param {() => unknown} tell */
  constructor(tell) {
    super()
    this.tell = tell
  }

  attempt() {
    return this.tell() === true ? undefined : BLOCKED
  }
}

/**
 * Has `target` told whenever the direction is ready, until it says true or the connection is closed. That keeps neither it
 * nor the event loop alive.
 * @template {object} T
 * @param {Direction} direction
 * @param {T} target
 * @param {(target: T) => unknown} tell
 */
export function relay(direction, target, tell) {
  const ref = new WeakRef(target)
  direction.core.reference(false)
  const closed = direction.enqueue(
    new Relay(() => {
      const told = ref.deref()
      return told === undefined || tell(told)
    }),
    FOR_EVER,
  )
  // It ends with the connection, and there is nothing to be said about that.
  closed.catch(() => {})
}
