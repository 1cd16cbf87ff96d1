/**
 * What stands behind a process's handle: who waits for its end, and what is known of that.
 */
import { Core } from '../handle.js'
import native from '../load.js'
import { BLOCKED, Direction, Operation } from '../wait/direction.js'
import { statusOf } from './status.js'

/** @typedef {import('./status.js').ExitStatus} ExitStatus */

const NATIVE = { close: native.processClose, detach: native.processDetach }

/** In place of a status, by the addon: it has not ended. */
const RUNS = -1
/** In place of a status, by the addon: it has ended, and that is all that can be known now. */
const UNKNOWN = -2

export class ProcessCore extends Core {
  /** @param {import('../../native.js').ProcessFacts} facts */
  constructor(facts) {
    super(facts.id, facts.fd, NATIVE)
    this.parent = facts.parent
    /** As wait(2) gives it. @type {number | undefined} */
    this.status = undefined
    this.ending = new Direction(this, () =>
      this.watch(this.ending, (reactor, token) => native.processWatch(this.id, reactor, token)),
    )
    this.directions.push(this.ending)
  }

  /** Its status, null if that is not to be known. @returns {ExitStatus | null | typeof BLOCKED} */
  look() {
    if (this.status === undefined) {
      const status = native.processStatus(this.id)
      if (status === RUNS) {
        this.ending.exhausted()
        return BLOCKED
      }
      // It may be known later, when it has been reaped.
      if (status === UNKNOWN) return null
      this.status = status
    }
    return statusOf(this.status)
  }
}

/** Waits for its end. */
export class Exit extends Operation {
  /** @param {ProcessCore} core */
  constructor(core) {
    super()
    this.core = core
  }

  attempt() {
    return this.core.look()
  }
}
