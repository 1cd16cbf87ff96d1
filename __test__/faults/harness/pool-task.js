/** What a pool's worker does for classes/worker-pool.js: it waits for a permit of the semaphore that it was given. */
import { inherited } from '../../../index.js'

/** @param {unknown} task @param {{ signal: AbortSignal }} context */
export default function next(task, { signal }) {
  // From the first task on it has it open, whatever becomes of the name.
  const gate = /** @type {import('../../../index.js').PosixSemaphore} */ (inherited('gate'))
  return task === 'begin' ? undefined : gate.acquire({ signal })
}
