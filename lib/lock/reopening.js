/**
 * What to do when the object behind a handle has been removed (unlinked, or ipcrm(1)): the name may lead to another one
 * by now, so that is opened, or made, and the call is made again. Whoever was waiting is told EIDRM.
 */
import native from '../load.js'

/**
 * @template T
 * @param {number} kind
 * @param {number} id
 * @param {() => T} call
 * @param {() => void} [forget] called before the other object is used
 * @returns {T}
 */
export function reopening(kind, id, call, forget) {
  try {
    return call()
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'EIDRM') throw error
    native.lockReopen(kind, id)
    forget?.()
    return call()
  }
}
