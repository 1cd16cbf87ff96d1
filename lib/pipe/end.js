/**
 * What both ends of a pipe have in common.
 */
import { invalidValue } from '../errors.js'
import { Core, coresOf, fix, Handle, isOwned } from '../handle.js'
import native from '../load.js'
import { descriptor, integer } from '../validate.js'
import { Direction } from '../wait/direction.js'

/** @typedef {import('../../native.js').PipeFacts} PipeFacts */

/** The most that one packet holds: PIPE_BUF. */
export const PACKET_SIZE = 4096

const NATIVE = { close: native.pipeClose, detach: native.pipeDetach }

export class PipeCore extends Core {
  /** @param {PipeFacts} facts @param {boolean} isWriter */
  constructor(facts, isWriter) {
    super(facts.id, facts.fd, NATIVE)
    this.capacity = facts.capacity
    this.packet = facts.packet
    this.isWriter = isWriter
    /** The end has been read. */
    this.ended = false
    this.direction = new Direction(this, () => {
      this.watch(this.direction, (reactor, token) => native.pipeWatch(this.id, reactor, token, isWriter))
    })
    this.directions.push(this.direction)
  }
}

export const pipeOf = coresOf(PipeCore, 'a PipeReader or a PipeWriter')

export class PipeEnd extends Handle {
  /** @param {PipeCore} core */
  constructor(core) {
    super(core)
    fix(this, 'capacity', core.capacity)
  }

  /** @param {number} bytes @returns {number} */
  setCapacity(bytes) {
    const core = pipeOf(this)
    integer('bytes', bytes, 1, 0x7fffffff)
    core.check()
    core.capacity = native.pipeSetCapacity(core.id, bytes)
    fix(this, 'capacity', core.capacity)
    return core.capacity
  }

  get pending() {
    const core = pipeOf(this)
    core.check()
    return native.pipePending(core.id)
  }
}

/** @param {unknown} fd @param {boolean} isWriter @returns {PipeCore} */
export function adopt(fd, isWriter) {
  const number = descriptor('fd', fd)
  if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
  return new PipeCore(native.pipeAdopt(number, isWriter), isWriter)
}
