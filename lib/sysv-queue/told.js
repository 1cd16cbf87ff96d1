/**
 * What the threads of this environment's queues tell it: one bell for all of them.
 */
import { isMainThread } from 'node:worker_threads'
import native from '../load.js'
import { register } from '../reactor.js'

/** The wait was called off before anything had happened. */
export const CALLED_OFF = Symbol('called off')

// What came of a wait: src/sysv_queue.rs has the same numbers.
const CANCELLED = 1
const FAILED = 2

const BATCH = 64
const words = new Uint32Array(2 * BATCH)

/** @typedef {(failure: unknown) => void} Listener told undefined, CALLED_OFF or an error */

/** @type {Map<number, Listener>} */
const listeners = new Map()
let lastToken = 0
/** The addon's number of these waits, which another copy of this module has its own of; -1 before there are any. */
let waits = -1

/** Hears of threads from now on. To be called before anything else of a wait is begun, for it may fail. */
export function watchThreads() {
  if (waits >= 0) return
  register({ onReady: collect }, (reactor, token) => {
    waits = native.sysvQueueWatch(reactor, token, words)
  })
  // A thread that has learned of a message without text has taken it: at the end it goes back.
  if (isMainThread) process.once('exit', () => native.sysvQueueLeaveAll())
}

/**
 * Begins a wait; `listener` is called once, later.
 * @param {(token: number, waits: number) => void} begin
 * @param {Listener} listener
 * @returns {number} its token
 */
export function startWaiting(begin, listener) {
  do {
    lastToken = (lastToken + 1) >>> 0
  } while (listeners.has(lastToken))
  const token = lastToken
  begin(token, waits)
  listeners.set(token, listener)
  return token
}

/** Ends a send, which tells of it as ever. @param {number} token */
export function cancel(token) {
  native.sysvQueueCancel(token, waits)
}

/** Blocks this thread until there is something to be told. @param {number} milliseconds */
export function block(milliseconds) {
  native.sysvQueueBlock(milliseconds, waits)
}

/** Nobody wants to be told any more. @param {number} token */
export function forget(token) {
  listeners.delete(token)
  native.sysvQueueForget(token, waits)
}

/** Tells whoever is to be told by now, and whether there was anybody. */
export function collect() {
  for (let any = false; ; any = true) {
    const count = native.sysvQueueCollect(waits)
    // A listener may well begin another wait, or collect.
    const told = [...words.subarray(0, 2 * count)]
    for (let i = 0; i < told.length; i += 2) {
      // Asked for even if nobody hears of it, so that the addon need not keep it.
      const failure = failureOf(told[i], told[i + 1])
      const listener = listeners.get(told[i])
      listeners.delete(told[i])
      listener?.(failure)
    }
    if (count < BATCH) return any || count > 0
  }
}

/** @param {number} token @param {number} outcome */
function failureOf(token, outcome) {
  if (outcome === CANCELLED) return CALLED_OFF
  if (outcome !== FAILED) return undefined
  try {
    native.sysvQueueFailure(token, waits)
  } catch (error) {
    return error
  }
}
