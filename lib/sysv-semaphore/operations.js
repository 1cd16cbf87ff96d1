/**
 * Lists of operations upon a set, checked and in the form that the addon takes.
 */
import { Buffer } from 'node:buffer'
import { invalidType, invalidValue } from '../errors.js'
import { boolean, integer, objectOf } from '../validate.js'

/** SEMVMX: what a semaphore's value may come to, and what one operation may change it by. */
export const MOST = 32767
/** Operations name their semaphore by 16 bits. */
export const LONGEST = 0xffff
const WORDS = 3
/** Where the amount stands in an operation, in bytes. */
const AMOUNT = 2

/**
 * @typedef {object} List
 * @property {string} name the same for equal lists
 * @property {Buffer} frame index, amount and undo of each operation, as 16-bit words
 * @property {boolean} gives whether any of it adds
 * @property {number} index of the only operation; -1 where there are more
 * @property {number} amount
 * @property {number} undo
 */

/** @param {number} index @param {number} amount @param {boolean} undo @returns {List} */
export function listOfOne(index, amount, undo) {
  const frame = frameOf([[index, amount, Number(undo)]])
  return { name: `${index},${amount},${Number(undo)}`, frame, gives: amount > 0, index, amount, undo: Number(undo) }
}

/** What takes back what `list` has done. @param {List} list @returns {List} */
export function oppositeOf(list) {
  const frame = Buffer.from(list.frame)
  for (let at = AMOUNT; at < frame.length; at += 2 * WORDS) {
    // In the order of the machine, as all that this package runs on have it.
    frame.writeInt16LE(-frame.readInt16LE(at), at)
  }
  return { name: '', frame, gives: true, index: -1, amount: 0, undo: 0 }
}

/** @param {unknown} operations @param {number} count how many semaphores there are @returns {List} */
export function listOf(operations, count) {
  const rows = itemsOf('operations', operations).map((operation, place) =>
    rowOf(operation, `operations[${place}]`, count),
  )
  if (rows.length === 1) return listOfOne(rows[0][0], rows[0][1], rows[0][2] === 1)
  return {
    name: rows.join(' '),
    frame: frameOf(rows),
    gives: rows.some(([, amount]) => amount > 0),
    index: -1,
    amount: 0,
    undo: 0,
  }
}

/** @param {unknown} operation @param {string} name @param {number} count @returns {[number, number, number]} */
function rowOf(operation, name, count) {
  if (operation === undefined) throw invalidType(name, 'an object', operation)
  const { index, op, undo } = objectOf(operation, name)
  return [
    integer(`${name}.index`, index, 0, count - 1),
    // Not -0, which has the same name but is another value.
    integer(`${name}.op`, op, -MOST, MOST) + 0,
    Number(boolean(`${name}.undo`, undo, false)),
  ]
}

/** @param {number[][]} rows */
function frameOf(rows) {
  const words = new Int16Array(WORDS * rows.length)
  for (const [place, [index, amount, undo]] of rows.entries()) words.set([index, amount, undo], WORDS * place)
  return Buffer.from(words.buffer)
}

/** @param {string} name @param {unknown} value */
export function amountOf(name, value) {
  return integer(name, value, 0, MOST)
}

/** @param {string} name @param {unknown} values @returns {number[]} */
export function valuesOf(name, values) {
  return itemsOf(name, values).map((value, place) => amountOf(`${name}[${place}]`, value))
}

/** What an array has, each item read once; there are never more of them than a set can have semaphores. @param {string} name @param {unknown} items @returns {unknown[]} */
function itemsOf(name, items) {
  if (!Array.isArray(items)) throw invalidType(name, 'an array', items)
  const { length } = items
  if (!(length >= 1 && length <= LONGEST)) throw invalidValue(name, items, `must have 1 to ${LONGEST} items`)
  return Array.from({ length }, (_, place) => items[place])
}
