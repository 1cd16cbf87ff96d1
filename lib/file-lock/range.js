import { boolean, integer } from '../validate.js'

/**
 * A part of a file as the addon has it: a length of 0 goes to the end, wherever that will be.
 * @typedef {{ shared: boolean, start: number, length: number }} Range
 */

/** @param {Record<string, any>} options @returns {Range} */
export function rangeOf({ shared, start, length }) {
  return {
    shared: boolean('options.shared', shared, false),
    start: start === undefined ? 0 : integer('options.start', start),
    length: length === undefined ? 0 : integer('options.length', length),
  }
}

/** Behind the last byte. @param {Range} range */
function endOf({ start, length }) {
  return length === 0 ? Number.POSITIVE_INFINITY : start + length
}

/** Whether two processes could not have both at once. @param {Range} one @param {Range} other */
export function conflict(one, other) {
  return !(one.shared && other.shared) && one.start < endOf(other) && other.start < endOf(one)
}

/** Whether `range` cannot be had as long as `part` cannot. @param {Range} range @param {Range} part */
export function needs(range, part) {
  return range.shared === part.shared && range.start <= part.start && endOf(part) <= endOf(range)
}
