/**
 * Loads the addon, or says in one error what is missing and which command brings it.
 *
 * OS_IPC_NATIVE=path loads that addon instead. It exists for the tests alone: a build with fault injection, or one for
 * another C library.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const require = createRequire(import.meta.url)

/**
 * What src/raw.rs exports, which the generated declarations do not know.
 * @typedef {object} Raw
 * @property {(id: number) => number} channelRing 0
 * @property {(id: number) => number} channelHush 1 if it had rung
 * @property {(id: number, control: number, milliseconds: number) => number} channelBlock 1: the bell, 2: the control line
 * @property {(bytes: Uint8Array, from: number, length: number) => number} checksum CRC-32C
 * @property {(id: number, target: Uint8Array, length: number) => number} pipeRead bytes, 0 at the end, -1 if there are none yet
 * @property {(id: number, data: Uint8Array, from: number) => number} pipeWrite bytes, -1 if there is room for none
 * @property {(id: number, frame: Uint8Array, length: number) => number} sysvQueueSend 0, -1 if there is no room
 * @property {(id: number, frame: Uint8Array, length: number, milliseconds: number) => number} sysvQueueSendSync the same, later
 * @property {(id: number, frame: Uint8Array, except: number) => number} sysvQueueReceive length, -1 if there is none, -2 if the frame is too small
 * @property {(id: number, frame: Uint8Array, except: number, milliseconds: number) => number} sysvQueueReceiveSync the same, later
 * @property {(id: number, frame: Uint8Array, index: number) => number} sysvQueuePeek the same
 * @property {(id: number, index: number, amount: number, undo: number) => number} sysvSemaphoreOperateOne 0, -1 if it would have to wait; the amount as 16 bits
 * @property {(id: number, list: Uint8Array) => number} sysvSemaphoreOperate the same
 * @property {(id: number, list: Uint8Array, milliseconds: number) => number} sysvSemaphoreOperateHere the same, later
 * @property {(id: number, index: number) => number} sysvSemaphoreValue
 * @property {(id: number, data: Uint8Array, priority: number, milliseconds: number) => number} posixQueueSend 0, -1 if there is no room
 * @property {(id: number, target: Uint8Array, from: number, milliseconds: number) => number} posixQueueReceive the message's length, -1 if there is none
 * @property {(id: number) => number} posixSemaphoreTryTake 1, 0 if there is no permit
 * @property {(id: number, milliseconds: number) => number} posixSemaphoreTakeHere the same, later
 * @property {(id: number, count: number) => number} posixSemaphorePost 0
 * @property {(id: number) => number} posixSemaphoreValue as 32 bits
 * @property {(id: number, target: Uint8Array) => number} sharedMemoryRead 0
 * @property {(id: number, data: Uint8Array) => number} sharedMemoryWrite 0
 * @property {(id: number, operation: number) => number} sharedMemoryAtomic32 what stood there before
 * @property {(id: number, operation: number) => number} sharedMemoryAtomic64 0; what stood there before is in the words
 * @property {(id: number, milliseconds: number) => number} sharedMemoryWaitSync 2 woken, 1 not equal, 0 if neither came in time
 * @property {(id: number, count: number) => number} sharedMemoryNotify how many were woken
 * @property {(id: number, data: Uint8Array, from: number, fds: number) => number} unixSocketSend bytes, -1 if it would have to wait
 * @property {(id: number, data: Uint8Array, count: number) => number} unixSocketSendMany messages, -1 if it would have to wait
 * @property {(id: number, target: Uint8Array, slot: number, most: number) => number} unixSocketReceive messages, -1 if there is none
 * @property {(index: number, target: Uint8Array, from: number, last: number) => number} unixSocketTail 0
 * @property {(id: number, how: number) => number} lockTry 0, 1 after a holder that has died, -1 if it is held
 * @property {(id: number) => number} lockJoin the same
 * @property {(id: number, how: number, milliseconds: number) => number} lockTake the same, later
 * @property {(id: number, how: number) => number} lockEnter the same, of what a thread has taken
 * @property {(id: number, how: number) => number} lockLeave 0
 * @property {(id: number, how: number) => number} lockGiveBack 0
 * @property {(id: number, milliseconds: number) => number} conditionWaitSync 0, -1 if no notice came in time
 * @property {(id: number, milliseconds: number) => number} barrierWaitSync 0, -1 if not all came in time
 * @property {(id: number, target: Uint8Array, milliseconds: number) => number} signalReceive how many, six words each
 * @property {(id: number, member: number) => number} topicIsAlive 1, 0 if there is no such member
 * @property {(id: number, offset: number) => number} topicRing 0
 * @property {(id: number, offset: number, expected: number, milliseconds: number) => number} topicBlock 0
 */

/** @returns {typeof import('../native.js') & Raw} */
function load() {
  const chosen = process.env.OS_IPC_NATIVE
  if (chosen) return require(resolve(chosen))
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw failure(
      'ERR_IPC_NOT_SUPPORTED',
      `os-ipc works on Linux x64 and arm64, and this is ${process.platform} ${process.arch}.`,
    )
  }
  try {
    return require('../native.cjs')
  } catch (cause) {
    return loadExactly(`linux-${process.arch}-${isMusl() ? 'musl' : 'gnu'}`, cause)
  }
}

/**
 * The generated loader judges by the machine's C library, which need not be this process's, and keeps no error codes.
 * @param {string} triple
 * @param {unknown} cause
 */
function loadExactly(triple, cause) {
  const found = [`../os-ipc.${triple}.node`, `os-ipc-${triple}`].map(locate).find((path) => path !== undefined)
  if (!found) {
    const { version } = require('../package.json')
    throw failure(
      'MODULE_NOT_FOUND',
      `The addon of os-ipc for ${triple} is not installed. \`npm install os-ipc-${triple}@${version}\` brings it ` +
        '(an install with --omit=optional leaves it out; in a clone of the repository, `npm run build` makes it).',
      cause,
    )
  }
  try {
    return require(found)
  } catch (refusal) {
    const reason = refusal instanceof Error ? refusal.message : refusal
    throw failure('ERR_DLOPEN_FAILED', `The addon of os-ipc for ${triple} does not load: ${reason}`, refusal)
  }
}

/** @param {string} id */
function locate(id) {
  try {
    return require.resolve(id)
  } catch {
    return undefined
  }
}

/** The C library of this process, not of the machine: both can be installed. */
function isMusl() {
  try {
    return /\/(ld|libc[.-])-?musl/.test(readFileSync('/proc/self/maps', 'latin1'))
  } catch {
    return false
  }
}

/**
 * @param {string} code
 * @param {string} message
 * @param {unknown} [cause]
 */
function failure(code, message, cause) {
  return Object.assign(new Error(message, { cause }), { code })
}

export default load()
