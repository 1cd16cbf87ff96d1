/**
 * The end of a pipe or FIFO that bytes come out of.
 */
import { memoryOf, targetOf } from '../data.js'
import { invalidState, outOfRange } from '../errors.js'
import { iterate } from '../iterate.js'
import native from '../load.js'
import { arrived, roomFor } from '../scratch.js'
import { isEnd, SOURCE } from '../select/source.js'
import { integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { BLOCKED, Operation } from '../wait/direction.js'
import { blockUntil } from '../wait/sync.js'
import { adopt, PACKET_SIZE, PipeCore, PipeEnd, pipeOf } from './end.js'
import { spliceTo } from './splice.js'
import { readable } from './streams.js'

/** What pipes may usually grow to, also without being told: another process may have enlarged this one. */
const LARGEST = 1 << 20

/**
 * Takes what is there, up to `maxBytes`.
 * @param {PipeCore} core
 * @param {number} maxBytes
 */
function take(core, maxBytes) {
  // However much is asked for, no more memory than a pipe can fill.
  const most = Math.min(maxBytes, Math.max(core.capacity, LARGEST))
  const count = takeInto(core, roomFor(most), most)
  if (count === BLOCKED) return BLOCKED
  return count === 0 ? null : arrived(count)
}

/**
 * @param {PipeCore} core
 * @param {Uint8Array} memory
 * @param {number} length
 * @returns {number | typeof BLOCKED} the bytes read, 0 at the end
 */
function takeInto(core, memory, length) {
  if (core.ended) return 0
  const count = native.pipeRead(core.id, memory, length)
  if (count < 0) {
    core.direction.exhausted()
    return BLOCKED
  }
  if (count === 0) core.ended = true
  // Less than there was room for: the pipe was empty then, and what has come since is told of. A packet ends a read too, and
  // a writer may send packets without this end knowing.
  else if (count < length && !core.packet) core.direction.presumeExhausted()
  return count
}

class Read extends Operation {
  /** @param {PipeCore} core @param {number} maxBytes */
  constructor(core, maxBytes) {
    super()
    this.core = core
    this.maxBytes = maxBytes
  }

  attempt() {
    return take(this.core, this.maxBytes)
  }
}

class ReadInto extends Operation {
  /** @param {PipeCore} core @param {ArrayBufferView} target */
  constructor(core, target) {
    super()
    this.core = core
    this.target = target
  }

  attempt() {
    const memory = memoryOf(this.target)
    // It may have shrunk; the kernel would throw the rest of the packet away.
    if (this.core.packet && memory.length < PACKET_SIZE) {
      throw invalidState('The memory to receive into has become too small for a packet')
    }
    return takeInto(this.core, memory, memory.length)
  }
}

/** @param {PipeCore} core @param {Record<string, any>} options @returns {number} */
function maxBytesOf(core, { maxBytes }) {
  if (maxBytes === undefined) return Math.max(core.capacity, PACKET_SIZE)
  integer('options.maxBytes', maxBytes, 1, 0x7fffffff)
  // The kernel would throw the rest of the packet away.
  if (core.packet && maxBytes < PACKET_SIZE) {
    throw outOfRange('options.maxBytes', `>= ${PACKET_SIZE} for a pipe with packets`, maxBytes)
  }
  return maxBytes
}

export class PipeReader extends PipeEnd {
  /** @param {number} fd */
  static fromFd(fd) {
    return new PipeReader(adopt(fd, false))
  }

  dup() {
    const core = pipeOf(this)
    core.check()
    return /** @type {this} */ (new PipeReader(new PipeCore(native.pipeDuplicate(core.id), false)))
  }

  /** @param {{ maxBytes?: number, timeout?: number, signal?: AbortSignal }} [options] */
  recv(options) {
    try {
      const core = pipeOf(this)
      const given = objectOf(options)
      const maxBytes = maxBytesOf(core, given)
      const wait = waitOf(given)
      core.check()
      return core.direction.submit(new Read(core, maxBytes), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ maxBytes?: number }} [options] */
  tryRecv(options) {
    const core = pipeOf(this)
    const maxBytes = maxBytesOf(core, objectOf(options))
    core.check()
    const data = take(core, maxBytes)
    return data === BLOCKED ? undefined : data
  }

  /** @param {{ maxBytes?: number, timeout?: number }} [options] */
  recvSync(options) {
    const core = pipeOf(this)
    const given = objectOf(options)
    const maxBytes = maxBytesOf(core, given)
    const timeout = timeoutOf(given)
    core.check()
    return blockUntil(
      () => take(core, maxBytes),
      (milliseconds) => native.pipeBlock(core.id, milliseconds),
      timeout,
    )
  }

  /** @param {ArrayBufferView} target @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  recvInto(target, options) {
    try {
      const core = pipeOf(this)
      targetOf(target)
      const wait = waitOf(objectOf(options))
      if (core.packet && target.byteLength < PACKET_SIZE) {
        throw outOfRange('target.byteLength', `>= ${PACKET_SIZE} for a pipe with packets`, target.byteLength)
      }
      core.check()
      return core.direction.submit(new ReadInto(core, target), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * @param {import('./writer.js').PipeWriter | import('../unix-socket/socket.js').UnixSocket | number} target
   * @param {{ bytes?: number, timeout?: number, signal?: AbortSignal }} [options]
   */
  async spliceTo(target, options) {
    return spliceTo(pipeOf(this), target, options)
  }

  /** @param {{ highWaterMark?: number, signal?: AbortSignal }} [options] */
  readable(options) {
    return readable(pipeOf(this), options, (maxBytes) => new Read(pipeOf(this), maxBytes))
  }

  /**
   * @param {{ maxBytes?: number, timeout?: number, signal?: AbortSignal }} [options]
   * @returns {AsyncIterableIterator<Buffer>}
   */
  iterate(options) {
    const core = pipeOf(this)
    const given = objectOf(options)
    const maxBytes = maxBytesOf(core, given)
    const wait = waitOf(given)
    return iterate(
      core,
      () => core.direction,
      () => new Read(core, maxBytes),
      wait,
    )
  }

  [SOURCE]() {
    const core = pipeOf(this)
    core.check()
    return { core, direction: core.direction, operation: new Read(core, maxBytesOf(core, {})), ends: isEnd }
  }

  [Symbol.asyncIterator]() {
    return this.iterate()
  }
}
