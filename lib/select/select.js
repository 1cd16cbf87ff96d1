/**
 * Waits on many sources, and takes from exactly one.
 *
 * Whatever can be received is taken on the JS thread, at the moment when its wait settles. So each source gets an operation
 * in its own queue, as a receive of its own would; and the first of them that has taken something withdraws the others at that
 * very moment, before any of them is tried. What a thread has taken for one that was withdrawn goes back as after an abort.
 */
import { invalidType, invalidValue, retrace, telling, timedOut } from '../errors.js'
import { inNextTurn, mayTakeAtOnce } from '../reactor.js'
import { FOR_EVER, objectOf, waitOf } from '../validate.js'
import { arm, disarm } from '../wait/cancel.js'
import { BLOCKED } from '../wait/direction.js'
import { SOURCE } from './source.js'

/** @typedef {import('./source.js').Source & { name: string, handle: object }} Contender */

const EXPECTED = 'something to receive, accept or acquire from, or a ProcessHandle'

/** When something was taken from each for the last time: whoever is ready and has waited for longest comes first. @type {WeakMap<object, number>} */
const served = new WeakMap()
let clock = 0

/** What has told of its end already, which is told once. @type {WeakSet<object>} */
const ended = new WeakSet()

/**
 * @param {Record<string, any>} sources
 * @param {{ timeout?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export async function select(sources, options) {
  const wait = waitOf(objectOf(options))
  const contenders = contendersOf(sources)
  if (wait.signal?.aborted) throw wait.signal.reason
  const taken = atOnce(contenders, wait.timeout === 0)
  if (taken !== undefined) return taken
  if (wait.timeout === 0) throw timedOut()
  try {
    return await new Selection(contenders, wait).outcome
  } catch (error) {
    throw wait.signal?.aborted && error === wait.signal.reason ? error : retrace(error)
  }
}

/** In the order in which they are tried. @param {unknown} sources @returns {Contender[]} */
function contendersOf(sources) {
  if (sources === undefined) throw invalidType('sources', 'an object', sources)
  // All of them are read before any is looked at: a getter may close another one.
  const handles = Object.entries(objectOf(sources, 'sources'))
  const all = handles.map(([name, handle]) => contenderOf(name, handle))
  if (all.length === 0) throw invalidValue('sources', sources, 'must hold at least one source')
  const going = all.filter(({ handle }) => !ended.has(handle))
  return inTurn(going.length > 0 ? going : all)
}

/** @param {string} name @param {any} handle @returns {Contender} */
function contenderOf(name, handle) {
  const label = `sources.${name}`
  if (handle === null || typeof handle !== 'object' || typeof handle[SOURCE] !== 'function') {
    throw invalidType(label, EXPECTED, handle)
  }
  try {
    return { ...handle[SOURCE](), name, handle }
  } catch (error) {
    throw telling(error, () => ({ source: name }))
  }
}

/** @param {Contender[]} contenders */
function inTurn(contenders) {
  const count = contenders.length
  // Between those that were never served, or are one and the same, chance is to decide.
  const start = clock % count
  const turned = [...contenders.slice(start), ...contenders.slice(0, start)]
  return turned.sort((one, other) => lastOf(one) - lastOf(other))
}

/** @param {Contender} contender */
function lastOf({ core, part }) {
  return served.get(part ?? core) ?? 0
}

/**
 * Takes what is there, without waiting. Each is asked, whether or not something is known of it: one that was not asked would
 * never be watched either, while others always have something.
 * @param {Contender[]} contenders
 * @param {boolean} must
 */
function atOnce(contenders, must) {
  if (!must && !mayTakeAtOnce(contenders[0].direction)) {
    for (const { direction } of contenders) inNextTurn(direction)
    return undefined
  }
  for (const contender of contenders) {
    const { direction, operation, now } = contender
    if (must && direction.head !== undefined) direction.onReady()
    // First come, first served.
    if (direction.head !== undefined) continue
    let value
    try {
      value = must && now !== undefined ? now() : operation.attempt()
    } catch (error) {
      throw failed(contender, error)
    }
    if (value !== BLOCKED) return won(contender, value)
  }
  return undefined
}

/** @param {Contender} contender @param {any} value @returns {[string, any]} */
function won({ name, handle, core, part, permit, ends }, value) {
  served.set(part ?? core, ++clock)
  if (ends?.(value)) ended.add(handle)
  return [name, permit ?? value]
}

/** @param {Contender} contender @param {unknown} error */
function failed({ name, core, part }, error) {
  served.set(part ?? core, ++clock)
  return telling(error, () => ({ source: name }))
}

const WITHDRAWN = new Error('another source was first')

/** Waits in the queues of all sources. */
class Selection {
  /** @type {NodeJS.Timeout | undefined} */
  timer = undefined
  /** @type {AbortSignal | undefined} */
  signal = undefined
  settled = false
  /** @type {(taken: [string, any]) => void} */
  resolve = () => {}
  /** @type {(error: unknown) => void} */
  reject = () => {}

  /** @param {Contender[]} contenders @param {import('../validate.js').Wait} wait */
  constructor(contenders, wait) {
    this.contenders = contenders
    /** @type {Promise<[string, any]>} */
    this.outcome = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    try {
      for (const contender of contenders) this.#join(contender)
      if (!this.settled) arm(this, wait)
    } catch (error) {
      // A signal of the user's own making.
      this.#lose(error)
    }
  }

  /** @param {Contender} contender */
  #join(contender) {
    if (this.settled) return
    const { direction, operation } = contender
    let settling
    try {
      settling = direction.enqueue(operation, FOR_EVER)
    } catch (error) {
      // Of a limit.
      this.#lose(error, contender)
      return
    }
    const win = (/** @type {any} */ value) => this.#win(contender, value)
    const lose = (/** @type {unknown} */ error) => this.#lose(error, contender)
    if (operation.direction === undefined) {
      // It has settled already: nobody else may.
      this.#withdraw()
      settling.then(
        (value) => this.resolve(won(contender, value)),
        (error) => this.reject(failed(contender, error)),
      )
      return
    }
    operation.resolve = win
    operation.reject = lose
  }

  /** @param {Contender} contender @param {any} value */
  #win(contender, value) {
    this.#withdraw()
    this.resolve(won(contender, value))
  }

  /** @param {unknown} error @param {Contender} [contender] */
  #lose(error, contender) {
    if (this.settled) return
    this.#withdraw()
    this.reject(contender === undefined ? error : failed(contender, error))
  }

  /** Nobody else takes anything from here on. */
  #withdraw() {
    this.settled = true
    disarm(this)
    for (const { operation } of this.contenders) operation.direction?.fail(operation, WITHDRAWN)
  }

  /** @param {Error} error */
  expire(error) {
    // What can be had at once wins over a timeout, whichever it is.
    for (const { operation } of inTurn(this.contenders)) {
      if (!this.settled) operation.hurry()
    }
    this.#lose(error)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#lose(reason)
  }
}
