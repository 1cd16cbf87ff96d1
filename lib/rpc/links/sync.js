/**
 * Reading from a socket until something has come, with this thread blocked.
 */
import { timedOut } from '../../errors.js'

/**
 * @param {import('./link.js').Link & { socket: any, handOn(message: any): void }} link
 * @param {number | undefined} maxBytes
 * @param {() => boolean} done
 * @param {number} timeout
 */
export function readSocket(link, maxBytes, done, timeout) {
  const deadline = performance.now() + timeout
  let late = false
  while (!done() && link.ended === undefined) {
    // What is there wins over a timeout.
    if (late) throw timedOut()
    const left = Math.max(0, deadline - performance.now())
    let message
    try {
      message = link.socket.recvSync({ maxBytes, timeout: left })
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ETIMEDOUT') throw error
      late = true
      continue
    }
    if (message === null) link.end(null)
    else link.handOn(message)
  }
}
