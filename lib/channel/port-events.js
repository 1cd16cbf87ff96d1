/**
 * What a port tells of. Of the runtime's own MessageEvent each would cost more than the message does.
 */

/** @typedef {import('../handle.js').Handle} Handle */

/** A message, with what came in it. */
export class PortMessage extends Event {
  /** @type {Handle[] | (() => Handle[])} */
  #handles

  /** @param {unknown} data @param {readonly any[]} ports @param {Handle[] | (() => Handle[])} handles */
  constructor(data, ports, handles) {
    super('message')
    this.data = data
    this.ports = ports
    this.#handles = handles
  }

  /** The handles that came with it: the listener's, if it asks for them before it returns. */
  get handles() {
    if (typeof this.#handles === 'function') this.#handles = this.#handles()
    return this.#handles
  }

  /** Who wanted them has them. */
  over() {
    if (typeof this.#handles === 'function') this.#handles = []
  }

  get origin() {
    return ''
  }

  get lastEventId() {
    return ''
  }

  get source() {
    return null
  }
}

/** Something that cannot be told as a message. */
export class PortError extends Event {
  /** @param {unknown} error */
  constructor(error) {
    super('messageerror')
    this.data = error
  }
}

export class PortClose extends Event {
  /** @param {unknown} error why, unless one side has closed */
  constructor(error) {
    super('close')
    this.error = error
  }
}
