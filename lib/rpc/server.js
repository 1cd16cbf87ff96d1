/**
 * The server's side: methods that others call.
 */
import { coresOf, Handle } from '../handle.js'
import { objectOf, waitOf } from '../validate.js'
import { withWait } from '../wait/promise.js'
import { ServerCore } from './server-core.js'

const coreOf = coresOf(ServerCore, 'an RpcServer')

export class RpcServer extends Handle {
  get clients() {
    return coreOf(this).connections.size
  }

  /**
   * Takes no more callers and no more calls, lets those end that have begun, and closes.
   * @param {{ timeout?: number, signal?: AbortSignal }} [options]
   */
  async drain(options) {
    const core = coreOf(this)
    const wait = waitOf(objectOf(options))
    if (wait.signal?.aborted) throw wait.signal.reason
    if (core.closed) return
    // Calls that have come are to be answered, whether or not this thread has had the time to look at them.
    if (!core.draining) core.takeCalls()
    core.draining = true
    core.stopListening?.()
    if (!core.quiet) {
      /** @type {() => void} */
      let told = () => {}
      const idle = new Promise((resolve) => {
        told = () => resolve(undefined)
      })
      core.idle.add(told)
      try {
        await withWait(idle, wait)
      } finally {
        core.idle.delete(told)
      }
    }
    // Those that have come since are told that they were not begun.
    core.takeCalls()
    core.close()
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.drain()
  }
}
