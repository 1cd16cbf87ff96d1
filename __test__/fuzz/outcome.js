/** What may come of a call upon somebody hostile: a value, or an error with a code. */
import assert from 'node:assert/strict'

/** Milliseconds. */
const LONGEST = 10_000

/** @template T @param {() => T} action @returns {Promise<Awaited<T> | undefined>} */
export async function outcome(action) {
  const began = performance.now()
  try {
    return await action()
  } catch (error) {
    const { code } = /** @type {any} */ (error)
    if (!(error instanceof Error) || (typeof code !== 'string' && typeof code !== 'number')) throw error
    return undefined
  } finally {
    const took = performance.now() - began
    assert.ok(took < LONGEST, `it took ${took} ms`)
  }
}
