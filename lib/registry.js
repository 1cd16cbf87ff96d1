/**
 * What this package makes for itself (sockets, lock files, objects with random names), entered so that it can be removed
 * when its process has died before it could do that. Never what a user has named.
 *
 * Whoever makes such a thing calls `record` before it can be seen and `forget` after it has gone. What kinds there are
 * stands in core/src/registry/kinds.rs.
 */
import native from './load.js'
import { boolean, objectOf } from './validate.js'

/** @typedef {{ kind: string, name: string, id?: number, uid: number, mode: number }} Removed */

/**
 * @param {string} kind
 * @param {string} name an absolute path, a name, or a number in decimal
 * @param {string} [identity] what tells it from a later object of the same name, where its kind has such a thing
 */
export function record(kind, name, identity = '') {
  native.registryRecord(kind, name, identity)
}

/**
 * @param {string} kind
 * @param {string} name
 */
export function forget(kind, name) {
  native.registryForget(kind, name)
}

/**
 * Removes what processes that are proven dead have left, and tells what that was. What cannot be removed now is tried
 * again the next time.
 * @param {{ dryRun?: boolean }} [options]
 * @returns {Removed[]}
 */
export function cleanup(options) {
  const { dryRun } = objectOf(options)
  return native.registrySweep(boolean('options.dryRun', dryRun, false))
}
