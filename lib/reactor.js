/**
 * Readiness: the one place where the addon tells this environment (main thread or worker) that something can be done.
 *
 * It only tells. What can be done is done by whoever is told, in JS and without waiting, so no message is ever held by a
 * thread. Nothing is started before the first wait.
 */
import { clearInterval, setImmediate, setInterval } from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import native from './load.js'

export const READABLE = 1
export const WRITABLE = 2
/** The other side is gone. Told once. */
export const HANGUP = 8
const ENDED = 4

/** How many receives may settle at once, without a turn of the event loop between. */
const BUDGET = 64
const BATCH = 128

// The words shared with the addon: src/reactor/mod.rs has the same numbers and says what they are.
const COUNT = 0
const ALIVE = 1
const KEPT = 2
const IN_TURN = 3
const GUESS = 4
const PAIRS = 5

/** Guesses in a row, so that no other source has to wait for longer than that. */
const GUESSES = 16

/**
 * @typedef {object} Source
 * @property {(events: number) => boolean} onReady tells whether it has served anybody
 * @property {(reactor: number, token: number, on: boolean) => boolean} [express] has the loop itself tell of it, or the addon
 *   again; whether the loop does. From then on it is told now and then without a reason
 */
/** @typedef {{ onReady(): unknown }} Deferred */

const words = new Uint32Array(PAIRS + 2 * BATCH)
/** By token; 0 is the addon's own. @type {Array<Source | undefined>} */
const sources = [undefined]
/** @type {number[]} */
const freeTokens = []
/** Waits that have a thread, by token. @type {Map<number, { told(): void }>} */
const waits = new Map()
let lastWait = 0
let reactor = -1

/** Node's own loop where there is one; a thread with tokio elsewhere, or where it is asked for. */
export const onTokio =
  process.env.OS_IPC_REACTOR === 'tokio' || process.versions.bun !== undefined || 'deno' in process.versions

function started() {
  if (reactor < 0) reactor = native.reactorStart(onTokio, onTokio ? harvest : tell, words)
  return reactor
}

/** Has all that a wait needs there, or says why not, before anything is begun. */
export function prepare() {
  started()
}

/** Where there is no libuv. */
function harvest() {
  do {
    native.reactorHarvest(reactor)
    tell()
    // Less than half full: there was no more.
  } while (words[COUNT] >= BATCH / 2)
}

/** Something has happened, and stands in the words, unless a guess was asked for. */
function tell() {
  budget = BUDGET
  if (express !== undefined) {
    if (tellExpress(express)) return
  } else if (words[GUESS] !== 0) {
    if (guesses > 0 && guess?.onReady(READABLE)) {
      guesses--
      return
    }
    words[GUESS] = 0
    guess = undefined
    native.reactorHarvest(reactor)
  }
  const count = words[COUNT]
  const end = PAIRS + 2 * count
  for (let i = PAIRS; i < end; i += 2) {
    const token = words[i]
    const events = words[i + 1]
    if (events & ENDED) waits.get(token)?.told()
    else if (sources[token]?.onReady(events) && count === 1 && !onTokio) guessNext(sources[token], token)
  }
}

/**
 * Who alone was ready, and was waited for, is likely to be the next one too. Then trying it first saves the harvest, which
 * costs more than a message: what is taken that way is gone from the epoll by itself.
 * @type {Source | undefined}
 */
let guess
let guesses = 0

/** @param {Source | undefined} source @param {number} token */
function guessNext(source, token) {
  if (source === undefined || express !== undefined) return
  if (source !== lastGuess) rounds = 0
  lastGuess = source
  if (++rounds > ROUNDS && source.express?.(reactor, token, true)) {
    express = source
    expressToken = token
    vain = 0
  }
  guess = source
  guesses = GUESSES
  words[GUESS] = 1
}

/** Rounds of guesses in a row about one source, until the loop itself is asked to tell of it. */
const ROUNDS = 4
/** Times that somebody else was ready, one after the other, until it is asked no more. */
const VAIN = 64
/** @type {Source | undefined} */
let lastGuess
let rounds = 0

/**
 * Whom the loop itself tells of, at its edges: that saves a call of the kernel for each message. Nobody says that it was this
 * one, so it is tried each time, and before any other.
 * @type {Source | undefined}
 */
let express
let expressToken = 0
let vain = 0

/** Whether that was all. @param {Source} source */
function tellExpress(source) {
  if (source.onReady(READABLE)) {
    vain = 0
    // What else there is stays to be told.
    if (guesses-- > 0) return true
  } else if (++vain > VAIN) {
    stopExpress()
  }
  guesses = GUESSES
  native.reactorHarvest(reactor)
  return false
}

function stopExpress() {
  const source = express
  express = undefined
  guess = undefined
  lastGuess = undefined
  words[GUESS] = 0
  source?.express?.(reactor, expressToken, false)
}

/**
 * Has `source` told of whatever `watch` asks the addon to watch.
 * @param {Source} source
 * @param {(reactor: number, token: number) => void} watch
 * @returns {number} the token, for `unregister`
 */
export function register(source, watch) {
  const token = freeTokens.pop() ?? sources.length
  sources[token] = source
  try {
    watch(started(), token)
  } catch (error) {
    unregister(token)
    throw error
  }
  return token
}

/** @param {number} token */
export function unregister(token) {
  if (sources[token] === express) stopExpress()
  if (sources[token] === guess) guess = undefined
  sources[token] = undefined
  freeTokens.push(token)
}

/** What a wait that was cancelled has come to. */
const CANCELLED = 'ERR_IPC_CANCELLED'

function newWait() {
  do {
    lastWait = (lastWait + 1) >>> 0
  } while (waits.has(lastWait))
  return lastWait
}

/** A wait that has a thread. There may be a thousand, so whoever needs more of each makes it a subclass: one record. */
export class ThreadWait {
  reactor = 0
  token = 0

  /**
   * Starts it; `ended` is called once, later, unless `begin` gives a value other than 0 or undefined, which is then the
   * outcome, and nothing goes on.
   * @param {(reactor: number, token: number) => number | void} begin
   * @returns {number | undefined} that value
   */
  begin(begin) {
    const id = started()
    const token = newWait()
    const value = begin(id, token)
    if (value) return value
    this.reactor = id
    this.token = token
    waits.set(token, this)
    return undefined
  }

  /** Its thread has told. Where nobody wants it by then, what it has taken goes back, and it counts as cancelled. */
  told() {
    const { reactor, token } = this
    waits.delete(token)
    if (!this.wanted) {
      native.reactorDrop(reactor, token)
      this.ended({ code: CANCELLED }, 0)
      return
    }
    let outcome
    try {
      outcome = native.reactorTake(reactor, token)
    } catch (error) {
      this.ended(error, 0)
      return
    }
    this.ended(undefined, outcome)
  }

  get wanted() {
    return true
  }

  /** @param {any} _error @param {number} _value */
  ended(_error, _value) {}

  cancel() {
    native.reactorCancel(this.reactor, this.token)
  }

  /**
   * Blocks until it has ended, for at most so long, and gives what it came to, of which `ended` is not told then.
   * @param {number} milliseconds
   */
  claim(milliseconds) {
    return claim(this.reactor, this.token, milliseconds)
  }
}

class ToldWait extends ThreadWait {
  /** @param {(error: any, value: number) => void} onEnd @param {() => boolean} isWanted */
  constructor(onEnd, isWanted) {
    super()
    this.ended = onEnd
    this.isWanted = isWanted
  }

  get wanted() {
    return this.isWanted()
  }
}

const always = () => true

/**
 * The same where a function is to be told.
 * @param {(reactor: number, token: number) => number | void} begin
 * @param {(error: any, value: number) => void} onEnd
 * @param {() => boolean} [wanted]
 * @returns {{ value: number } | ThreadWait}
 */
export function startWait(begin, onEnd, wanted = always) {
  const wait = new ToldWait(onEnd, wanted)
  const value = wait.begin(begin)
  return value === undefined ? wait : { value }
}

/** @param {number} id @param {number} token @param {number} milliseconds */
function claim(id, token, milliseconds) {
  let ended = true
  try {
    const outcome = native.reactorClaim(id, token, milliseconds)
    if (typeof outcome === 'number') return outcome
    ended = false
    return undefined
  } finally {
    if (ended) waits.delete(token)
  }
}

/** Milliseconds: so soon a worker that is being terminated is to see it. */
const SLICE = 100

/**
 * The same for a blocking form: the thread keeps its place while this one waits for it in slices.
 * @param {(reactor: number, token: number) => number | void} begin
 * @param {number} timeout
 * @returns {number | undefined} undefined if the time is over and nothing was done
 */
export function waitHere(begin, timeout) {
  const deadline = performance.now() + timeout
  const id = started()
  const token = newWait()
  const value = begin(id, token)
  if (value) return value
  // Nobody else is to have this number meanwhile.
  waits.set(token, { told() {} })
  try {
    for (let cancelled = false; ; ) {
      const left = deadline - performance.now()
      const patience = cancelled || left > SLICE ? SLICE : Math.max(0, Math.ceil(left))
      const outcome = claim(id, token, patience)
      if (outcome !== undefined) return outcome
      if (left > 0 || cancelled) continue
      // Its end is exact: it may have been done in the last moment.
      native.reactorCancel(id, token)
      cancelled = true
    }
  } catch (error) {
    if (/** @type {any} */ (error).code !== CANCELLED) throw error
    return undefined
  } finally {
    waits.delete(token)
  }
}

let leaves = false

/** At the end of the process, what threads have taken for somebody goes back. In a worker its own end sees to that. */
export function leaveAtExit() {
  if (leaves) return
  leaves = true
  const id = started()
  if (isMainThread) process.once('exit', () => native.reactorLeave(id))
}

/** @type {NodeJS.Timeout | undefined} */
let interval

/** Something waits: the event loop is to go on. */
export function retain() {
  if (words[ALIVE]++ === 0 && words[KEPT] === 0) keepAlive(true)
}

/** It waits no more. In a turn that the addon has begun, it looks by itself afterwards. */
export function release() {
  if (--words[ALIVE] === 0 && words[IN_TURN] === 0) keepAlive(false)
}

/** @param {boolean} on */
function keepAlive(on) {
  if (!onTokio) {
    native.reactorKeepAlive(started(), on)
  } else if (on) {
    words[KEPT] = 1
    interval = setInterval(() => {}, 0x7fffffff)
  } else {
    words[KEPT] = 0
    clearInterval(interval)
  }
}

let budget = BUDGET
/** @type {Set<Deferred>} */
const deferred = new Set()

/**
 * Whether a receive may take at once. When many have, without a turn of the event loop between, the next one has to wait
 * for a turn: timers and other sources are not to starve under a flood.
 * @param {Deferred} direction is told in the next turn if not
 */
export function mayTakeAtOnce(direction) {
  if (budget > 0) {
    budget--
    return true
  }
  inNextTurn(direction)
  return false
}

/** Has `direction` told in the next turn of the event loop. @param {Deferred} direction */
export function inNextTurn(direction) {
  // Not unref'd: then the loop would go to sleep before it runs.
  if (deferred.size === 0) setImmediate(resume)
  deferred.add(direction)
}

/** What was received counts for so many receives more. @param {number} receives */
export function spend(receives) {
  budget -= receives
}

function resume() {
  budget = BUDGET
  const directions = [...deferred]
  deferred.clear()
  for (const direction of directions) direction.onReady()
}
