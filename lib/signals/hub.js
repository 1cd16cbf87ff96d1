/**
 * Where this environment (main thread or worker) takes signals, for all receivers that it has. Nothing is started before the
 * first of them.
 */
import { clearInterval, setImmediate, setInterval, setTimeout } from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import native from '../load.js'
import { onTokio, register } from '../reactor.js'

/** @typedef {import('./core.js').SignalCore} SignalCore */

const ON_LIBUV = process.versions.bun === undefined && !('deno' in process.versions)

/** How often those who wait look by themselves, where the reactor's thread cannot see what was sent to this one. */
const LOOK = 50

/** Who waits, or did so lately. Not kept: whoever still waits is kept by that. @type {Set<WeakRef<SignalCore>>} */
const waiting = new Set()
/** Of the two that are watched, how many are. What fails is begun again by the next receiver. */
let watched = 0
let isResuming = false
/** A receiver is behind: how long the others wait before they look again. */
const PAUSE = 5
/** What the addon says when that is so, and when there may be more at once. */
const [MORE, LATER] = [1, 2]
let isPausing = false
/** @type {NodeJS.Timeout | undefined} */
let looking

export function startHub() {
  if (watched === 0) native.signalHubStart(isMainThread, ON_LIBUV)
  for (; watched < 2; watched++) {
    const ofBell = watched === 1
    register({ onReady }, (reactor, token) => native.signalHubWatch(reactor, token, ofBell))
  }
}

/** Has it told of what comes, until it waits no more. @param {SignalCore} core */
export function waitFor(core) {
  waiting.add(core.weakly)
  if (onTokio && looking === undefined) looking = setInterval(onReady, LOOK).unref()
}

/** Somebody has taken signals out of turn. */
export function lookSoon() {
  if (waiting.size > 0) resume()
}

/** @returns {boolean} whether anybody was served */
function onReady() {
  const left = native.signalTake()
  let served = false
  for (const reference of waiting) {
    const receiving = reference.deref()?.receiving
    if (receiving?.head === undefined) {
      waiting.delete(reference)
      receiving?.rest()
    } else if (receiving.onReady()) {
      served = true
    }
  }
  if (left === MORE) resume()
  // No edge may ever come for what is left there.
  else if (left === LATER) pause()
  if (waiting.size === 0 && looking !== undefined) {
    clearInterval(looking)
    looking = undefined
  }
  return served
}

function pause() {
  if (isPausing) return
  isPausing = true
  setTimeout(() => {
    isPausing = false
    onReady()
  }, PAUSE).unref()
}

/** In the next turn of the loop: other sources are not to starve. */
function resume() {
  if (isResuming) return
  isResuming = true
  setImmediate(() => {
    isResuming = false
    onReady()
  })
}
