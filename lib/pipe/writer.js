/**
 * The end of a pipe or FIFO that bytes go into.
 */
import { Buffer } from 'node:buffer'
import { constants } from 'node:os'
import { bytesOf } from '../data.js'
import { coded, invalidState, invalidValue, telling } from '../errors.js'
import native from '../load.js'
import { objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { blockUntil } from '../wait/sync.js'
import { adopt, PACKET_SIZE, PipeCore, PipeEnd, pipeOf } from './end.js'
import { spliceFrom } from './splice.js'
import { writable } from './streams.js'

/** Sends all of its bytes, in as many pieces as there is room for. */
export class Write extends Operation {
  /** @param {PipeCore} core @param {Uint8Array} data */
  constructor(core, data) {
    super()
    this.core = core
    this.data = data
    this.sent = 0
    /** How much had been sent when what is left was copied: `data` begins there. */
    this.base = 0
  }

  attempt() {
    const { core, data, base } = this
    const end = base + data.length
    while (this.sent < end) {
      const count = put(core, data, this.sent - base)
      if (count === BLOCKED) return BLOCKED
      this.sent += count
    }
    return undefined
  }

  get mayFail() {
    return true
  }

  /** The caller may do with the memory what he likes from here on. */
  queued() {
    this.data = Buffer.from(this.data.subarray(this.sent))
    this.base = this.sent
  }

  /** @param {unknown} error */
  failure(error) {
    return gaveUp(this, error)
  }
}

/**
 * The error of a send that was given up tells how far it got. Half a message is in the pipe for good: whatever followed
 * would be taken for its rest, so nothing can.
 * @param {Write} write
 * @param {unknown} error
 */
function gaveUp({ core, sent }, error) {
  // An abort's reason may be that of many sends: one that has begun is not to be overwritten by one that has not.
  telling(error, (given) => (sent > 0 || !('bytesSent' in given) ? { bytesSent: sent } : undefined))
  if (sent > 0) core.close()
  return error
}

/** @param {PipeCore} core @param {Uint8Array} data @param {number} from @returns {number | typeof BLOCKED} */
function put(core, data, from) {
  const count = native.pipeWrite(core.id, data, from)
  if (count >= 0) return count
  core.direction.exhausted()
  return BLOCKED
}

/** @param {PipeCore} core @param {unknown} data @returns {Uint8Array} */
function messageOf(core, data) {
  const bytes = bytesOf(data)
  if (!core.packet) return bytes
  if (bytes.length > PACKET_SIZE) {
    throw coded(
      Error,
      'EMSGSIZE',
      `EMSGSIZE: a packet holds at most ${PACKET_SIZE} bytes, and this has ${bytes.length}`,
      {
        errno: -constants.errno.EMSGSIZE,
        syscall: 'write',
        hint: 'a pipe without packet: true takes any number of bytes',
      },
    )
  }
  if (bytes.length === 0) throw invalidValue('data', data, 'must not be empty: a pipe has no empty packets')
  return bytes
}

export class PipeWriter extends PipeEnd {
  /** @param {number} fd */
  static fromFd(fd) {
    return new PipeWriter(adopt(fd, true))
  }

  dup() {
    const core = pipeOf(this)
    core.check()
    return /** @type {this} */ (new PipeWriter(new PipeCore(native.pipeDuplicate(core.id), true)))
  }

  /** @param {unknown} data @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  send(data, options) {
    try {
      const core = pipeOf(this)
      const wait = waitOf(objectOf(options))
      // After the options, whose getters may change it.
      const bytes = messageOf(core, data)
      core.check()
      return core.direction.submit(new Write(core, bytes), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {unknown} data @returns {number} */
  trySend(data) {
    const core = pipeOf(this)
    const bytes = messageOf(core, data)
    core.check()
    if (core.direction.head !== undefined) return 0
    const count = put(core, bytes, 0)
    return count === BLOCKED ? 0 : count
  }

  /** @param {unknown} data @param {{ timeout?: number }} [options] */
  sendSync(data, options) {
    const core = pipeOf(this)
    const timeout = timeoutOf(objectOf(options))
    const bytes = messageOf(core, data)
    core.check()
    const write = new Write(core, bytes)
    const { direction } = core
    try {
      blockUntil(
        () => {
          // What is queued already goes first.
          if (direction.head !== undefined) direction.onReady()
          if (direction.isHeld) throw invalidState('A splice into this pipe is under way')
          core.check()
          return direction.head === undefined ? write.attempt() : BLOCKED
        },
        (milliseconds) => native.pipeBlock(core.id, milliseconds),
        timeout,
      )
    } catch (error) {
      throw gaveUp(write, error)
    }
  }

  /**
   * @param {import('./reader.js').PipeReader | import('../unix-socket/socket.js').UnixSocket | number} source
   * @param {{ bytes?: number, timeout?: number, signal?: AbortSignal }} [options]
   */
  async spliceFrom(source, options) {
    return spliceFrom(source, pipeOf(this), options)
  }

  /** @param {{ highWaterMark?: number, signal?: AbortSignal }} [options] */
  writable(options) {
    return writable(pipeOf(this), options, (data) => new Write(pipeOf(this), messageOf(pipeOf(this), data)))
  }
}
