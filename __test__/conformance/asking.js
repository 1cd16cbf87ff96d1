/** How a transport is asked: tests with two ends of their own, other processes that are given one, and what fills an end. */
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from '../support/child.js'

const peer = fileURLToPath(new URL('./peer.js', import.meta.url))

/** @param {import('./transports.js').Transport} row */
export function asking(row) {
  const { name, data, open } = row

  /**
   * A test with two ends of its own, which are closed after it; what it leaves open fails it.
   * @param {string} title
   * @param {(ends: { sender: any, receiver: any }) => Promise<void>} body
   */
  function promise(title, body) {
    test(title, { timeout: 20_000 }, async ({ signal }) => {
      const ends = await open()
      const close = () => {
        ends.sender.close()
        ends.receiver.close()
      }
      // When the time is up: what is pending would keep the whole spec from ending.
      signal.addEventListener('abort', close)
      try {
        await body(ends)
      } finally {
        close()
      }
    })
  }

  /** What needs more than one handle of the same end. @type {typeof promise} */
  const ofCopies = row.exclusive ? () => {} : promise
  /** What needs the receiver in another process. @type {typeof promise} */
  const ofReceivers = row.stays ? () => {} : promise

  /**
   * @param {string} role
   * @param {any} handle
   * @param {(string | number)[]} [words]
   * @param {Parameters<typeof start>[2]} [options]
   */
  const give = (role, handle, words = [], options = {}) => {
    const child = start(peer, [name, role, ...words], { ...options, handles: [handle] })
    // What stays open here too would have no end.
    if (row.shared && row.ends) queueMicrotask(() => handle.close())
    return child
  }

  /** The words for one who receives all: how many that is, where no end tells it. @param {number} count */
  const allOf = (count) => (row.ends ? [] : [count])

  /** Sends until nothing more fits, and says how many bytes did. @param {any} sender */
  function fill(sender) {
    const piece = Buffer.alloc(Math.min(row.largest, 4096), 'f')
    let bytes = 0
    for (;;) {
      const sent = sender.trySend(piece)
      if (!sent) break
      bytes += sent === true ? piece.length : sent
    }
    // Where room is counted in bytes there may be some for less.
    while (row.exclusive && sender.trySend('f')) bytes++
    return bytes
  }

  /** Takes everything that is there, or all up to so many bytes: room may well be taken at once. @param {any} receiver */
  function drain(receiver, most = Number.POSITIVE_INFINITY) {
    let bytes = 0
    while (bytes < most) {
      const message = receiver.tryRecv()
      if (message === undefined || message === null) break
      bytes += data(message).length
    }
    return bytes
  }

  /** @param {any} message */
  const text = (message) => data(message).toString()

  return { name, data, open, promise, ofCopies, ofReceivers, give, allOf, fill, drain, text }
}
