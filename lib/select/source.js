/**
 * How `select` waits on something: as its own receive would, by an operation in the queue of its direction.
 *
 * @typedef {object} Source
 * @property {import('../handle.js').Core} core
 * @property {import('../wait/direction.js').Direction} direction
 * @property {import('../wait/direction.js').Operation} operation that takes one, without options
 * @property {() => any} [now] tries as a call does that may not wait at all, where that is more than an attempt: BLOCKED if
 *   there is nothing
 * @property {object} [part] what of the handle it is, where that has many that have turns of their own
 * @property {true} [permit] what is taken is a permit, and no value tells of it
 * @property {(value: any) => boolean} [ends] whether there is nothing behind that value
 */

/** The method that gives a Source, of classes that can be selected from. Throws unless the handle can be received from now. */
export const SOURCE = Symbol('os-ipc:source')

/** Of streams: null comes in place of a message once every sender has gone. @param {unknown} value */
export function isEnd(value) {
  return value === null
}
