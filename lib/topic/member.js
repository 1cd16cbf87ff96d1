/**
 * A member of a topic: the memory as one handle and the subscriptions made by it have it, and who of them sleeps until
 * something changes there.
 *
 * However many sleep on one bell, one thread of the addon stands in the kernel for them. Whoever is held up by another
 * member has that one watched too, for the dead ring no bells.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { closedError, notSupported } from '../errors.js'
import native from '../load.js'
import { startWait } from '../reactor.js'
import { BELL, CODEC, CODECS, DROPS_OLDEST, FREE, MESSAGES, ROOM, WANTED } from './layout.js'
import { Memory, shortened } from './memory.js'
import { Writer } from './writer.js'

/** @typedef {import('../../native.js').TopicFacts} Facts */
/** @typedef {import('../wait/direction.js').Direction} Direction */
/** @typedef {{ buffer: ArrayBuffer, shown: number }} Shown */

/** Milliseconds that a watch goes on for nobody: whoever was held up once is soon held up again. */
const PAUSE = 100

/** Memory that nobody can have the address of any more. @type {FinalizationRegistry<number>} */
const forgotten = new FinalizationRegistry((shown) => native.sharedMemoryForget(shown))

/** Those who sleep on one bell. */
class Sleepers {
  /** @type {Set<Direction>} */
  directions = new Set()
  /** The thread that stands there for them. @type {{ cancel: () => void } | undefined} */
  wait = undefined
  /** The one that watches whoever holds them up. @type {{ member: number, cancel: () => void } | undefined} */
  watch = undefined
  /** @type {NodeJS.Timeout | undefined} */
  timer = undefined
}

export class Member {
  /** @param {Facts} facts */
  constructor(facts) {
    this.id = facts.id
    this.number = facts.member
    this.slots = facts.slots
    this.capacity = facts.capacity
    this.private = facts.private
    this.codec = CODECS[facts.flags & CODEC]
    this.dropsOldest = (facts.flags & DROPS_OLDEST) !== 0
    /** How many handles it is for. */
    this.users = 0
    /** Somebody has written what cannot be: every call fails with this from then on. @type {Error | undefined} */
    this.failure = undefined
    const shown = /** @type {Shown | null | undefined} */ (native.topicMemory(facts.id))
    if (shown === null || shown === undefined) {
      throw notSupported('This runtime has no buffers over memory of another kind')
    }
    this.shown = shown
    forgotten.register(shown.buffer, shown.shown)
    this.memory = new Memory(shown.buffer, facts)
    this.writer = new Writer(this.memory, facts, this.dropsOldest)
    /** @type {Map<number, Sleepers>} */
    this.sleepers = new Map([MESSAGES, ROOM, FREE].map((bell) => [bell, new Sleepers()]))
  }

  /** One handle less. The last one closes it. */
  release() {
    if (--this.users > 0) return
    for (const bell of this.sleepers.keys()) this.dismiss(bell)
    native.topicClose(this.id)
    native.sharedMemoryRevoke(this.shown.shown, this.shown.buffer)
  }

  /** Throws once the memory cannot be believed. */
  check() {
    if (this.failure !== undefined) throw this.failure
  }

  /** What becomes of an error. @param {any} error */
  broke(error) {
    if (error?.code === 'ERR_IPC_CORRUPT' && this.failure === undefined) {
      this.failure = error
      // Each who sleeps hears of it when he looks.
      for (const bell of this.sleepers.keys()) this.wake(bell)
    }
    return error
  }

  /**
   * Says that somebody is about to sleep: whoever changes something from here on rings. To be followed by a last look.
   * @param {number} bell
   * @returns {number} for `sleep` or `block`
   */
  announce(bell) {
    const { words } = this.memory
    const heard = Atomics.load(words, bell + BELL)
    Atomics.add(words, bell + WANTED, 1)
    return heard
  }

  /** Whether a thread stands there already: whatever changes from now on is told of. @param {number} bell */
  isStanding(bell) {
    return this.sleepersOf(bell).wait !== undefined
  }

  /**
   * Has `direction` told when the bell rings.
   * @param {number} bell
   * @param {number} heard
   * @param {Direction} direction
   * @returns {boolean} false if it has rung since
   */
  sleep(bell, heard, direction) {
    const sleepers = this.sleepersOf(bell)
    if (sleepers.wait === undefined) {
      const begin = /** @param {number} reactor @param {number} token */ (reactor, token) =>
        native.topicWait(reactor, token, this.id, (bell + BELL) * 4, heard)
      const started = startWait(begin, (error) => {
        if (sleepers.wait !== wait) return
        sleepers.wait = undefined
        if (error !== undefined) this.failure ??= known(error)
        this.wake(bell)
      })
      if ('value' in started) return false
      const wait = started
      sleepers.wait = wait
    }
    sleepers.directions.add(direction)
    return true
  }

  /** Has those who sleep on the bell told when `number` is no member any more. @param {number} bell @param {number} number */
  watch(bell, number) {
    const sleepers = this.sleepersOf(bell)
    clearTimeout(sleepers.timer)
    sleepers.timer = undefined
    if (sleepers.watch?.member === number) return
    this.unwatch(sleepers)
    // Its own slots are given back by itself.
    if (number === this.number || number === 0) return
    const begin = /** @param {number} reactor @param {number} token */ (reactor, token) =>
      native.topicWatch(reactor, token, this.id, number >>> 0)
    const started = startWait(begin, () => {
      if (sleepers.watch !== watch) return
      sleepers.watch = undefined
      this.wake(bell)
    })
    if ('value' in started) return
    const watch = { member: number, cancel: () => started.cancel() }
    sleepers.watch = watch
  }

  /** @param {Sleepers} sleepers */
  unwatch(sleepers) {
    const { watch } = sleepers
    sleepers.watch = undefined
    watch?.cancel()
  }

  /** @param {number} bell */
  wake(bell) {
    const sleepers = this.sleepersOf(bell)
    const directions = [...sleepers.directions]
    sleepers.directions.clear()
    for (const direction of directions) direction.onReady()
    this.rest(bell)
  }

  /** `direction` does not wait any more. @param {Direction} direction */
  forget(direction) {
    for (const [bell, { directions }] of this.sleepers) if (directions.delete(direction)) this.rest(bell)
  }

  /** Threads that stand there for nobody go. @param {number} bell */
  rest(bell) {
    const sleepers = this.sleepersOf(bell)
    if (sleepers.directions.size > 0) return
    sleepers.wait?.cancel()
    sleepers.wait = undefined
    if (sleepers.watch === undefined || sleepers.timer !== undefined) return
    sleepers.timer = setTimeout(() => {
      sleepers.timer = undefined
      this.unwatch(sleepers)
    }, PAUSE)
    sleepers.timer.unref()
  }

  /** @param {number} bell */
  dismiss(bell) {
    const sleepers = this.sleepersOf(bell)
    clearTimeout(sleepers.timer)
    sleepers.wait?.cancel()
    sleepers.wait = undefined
    this.unwatch(sleepers)
  }

  /** @param {number} bell @returns {Sleepers} */
  sleepersOf(bell) {
    const sleepers = this.sleepers.get(bell)
    if (sleepers === undefined) throw closedError()
    return sleepers
  }

  /** Blocks this thread until the bell rings, for at most so many milliseconds. @param {number} bell @param {number} heard @param {number} milliseconds */
  block(bell, heard, milliseconds) {
    try {
      native.topicBlock(this.id, (bell + BELL) * 4, heard >>> 0, milliseconds)
    } catch (error) {
      throw known(error)
    }
  }
}

/** The kernel says in its own way that the memory has gone. @param {any} error */
function known(error) {
  return error?.code === 'ERR_IPC_TRUNCATED' ? shortened() : error
}
