/**
 * What stands behind a receiver: what has come for it, and who waits for it.
 */
import { Core } from '../handle.js'
import native from '../load.js'
import { BLOCKED, Direction } from '../wait/direction.js'
import { lookSoon, waitFor } from './hub.js'
import { labelOf } from './name.js'

/** @typedef {import('../../index.js').SignalInfo} SignalInfo */

// By name of its own: a look into the addon, which has a hundred of them, would be felt in each signal.
const { signalReceive } = native

/** So many are taken over from the addon at once. */
const BATCH = 64
// What the addon writes of each.
const WORDS = 6
const NUMBER = 0
const CODE = 1
const PID = 2
const UID = 3
const HAS_VALUE = 4
const VALUE = 5

/** si_code of sigaction(2). @type {Map<number, SignalInfo['code']>} */
const CODES = new Map([
  [0, 'user'],
  [-1, 'queue'],
  [-2, 'timer'],
  [-3, 'message-queue'],
  [-6, 'thread'],
  [0x80, 'kernel'],
])
const SIGCHLD = 17

const NATIVE = { close: native.signalClose }

/** Trying always makes sense: it costs little, and what others take for this receiver is told to nobody who does not wait. */
class Receiving extends Direction {
  /** @param {SignalCore} core */
  constructor(core) {
    super(core, () => waitFor(core))
    this.again = this.watch
  }

  /** It is told of nothing until the next one waits. */
  rest() {
    this.watch = this.again
  }
}

export class SignalCore extends Core {
  /** @param {number[]} numbers */
  constructor(numbers) {
    super(native.signalOpen(numbers), -1, NATIVE)
    this.numbers = numbers
    this.dropped = 0
    this.weakly = new WeakRef(this)
    this.words = new Int32Array(BATCH * WORDS)
    this.bytes = new Uint8Array(this.words.buffer)
    this.next = 0
    this.count = 0
    this.receiving = new Receiving(this)
    this.directions.push(this.receiving)
  }

  close() {
    if (this.id !== 0) this.dropped = native.signalDropped(this.id)
    super.close()
  }

  /**
   * @param {number} milliseconds to wait before, blocking this thread
   * @returns {SignalInfo | typeof BLOCKED}
   */
  take(milliseconds) {
    if (this.next === this.count) {
      this.next = 0
      this.count = 0
      this.count = signalReceive(this.id, this.bytes, milliseconds)
      if (milliseconds > 0) lookSoon()
      if (this.count === 0) return BLOCKED
    }
    return this.read(WORDS * this.next++)
  }

  /** @param {number} at @returns {SignalInfo} */
  read(at) {
    const { words } = this
    const number = words[at + NUMBER]
    const code = codeOf(number, words[at + CODE])
    const [pid, uid] = [words[at + PID], words[at + UID] >>> 0]
    const signal = labelOf(number)
    return words[at + HAS_VALUE]
      ? { signal, number, code, pid, uid, value: words[at + VALUE] }
      : { signal, number, code, pid, uid }
  }
}

/** @param {number} number @param {number} code @returns {SignalInfo['code']} */
function codeOf(number, code) {
  return number === SIGCHLD && code > 0 && code < 0x80 ? 'child' : (CODES.get(code) ?? code)
}
