/**
 * Where something was opened, for the warning that it was forgotten.
 *
 * To take a stack is cheap, to put it into words is not, and most of what is opened is closed soon. So the words are found
 * at the end of the turn, for what is still open then. Until then a stack holds on to whatever its frames were called
 * upon, which may be what was opened, or hold it: nothing of it may stay for longer.
 */

/** Stacks that are kept, in turns that open many things. */
const MOST = 64

/** @type {Site[]} */
const taken = []

export class Site {
  /** @type {{ stack?: string } | undefined} */
  #stack
  #words = ''
  /** Nobody is to close it: it goes when it is forgotten. */
  silent = false

  /** @param {Function} opener whose caller is the place, or the caller of that one */
  constructor(opener) {
    const stack = {}
    Error.captureStackTrace(stack, opener)
    this.#stack = stack
    if (taken.length === 0) setImmediate(settle).unref()
    else if (taken.length === MOST) settle()
    taken.push(this)
  }

  /** Nobody will ask. */
  drop() {
    this.#stack = undefined
  }

  /** Finds the words, if somebody may still ask. */
  settle() {
    if (this.#stack === undefined) return
    this.#words = String(this.#stack.stack)
    this.#stack = undefined
  }

  /** The frames, a line each. */
  toString() {
    this.settle()
    return this.#words.split('\n').slice(1).join('\n')
  }
}

function settle() {
  for (const site of taken.splice(0)) site.settle()
}
