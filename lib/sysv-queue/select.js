/**
 * Which messages a receive wants, and how much of one.
 */
import { invalidValue } from '../errors.js'
import { boolean, integer } from '../validate.js'

/**
 * @typedef {object} Selector
 * @property {number} type 0: any; N: that one; -N: the lowest up to N
 * @property {boolean} except any but that one
 * @property {number | string} name the same for equal selectors
 * @property {number} truncate the most bytes of the text
 */

/** @type {Readonly<Selector>} */
const ANY = Object.freeze({ type: 0, except: false, name: 0, truncate: Number.POSITIVE_INFINITY })

/** @param {Record<string, any>} options @returns {Readonly<Selector>} */
export function selectorOf(options) {
  const { type, except, truncate } = options
  if (type === undefined && except === undefined && truncate === undefined) return ANY
  const wanted =
    type === undefined ? 0 : integer('options.type', type, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const inverted = boolean('options.except', except, false)
  if (inverted && wanted <= 0) throw invalidValue('options.except', except, 'needs a type above 0')
  return {
    // Not -0, which has another name.
    type: wanted + 0,
    except: inverted,
    name: inverted ? `not ${wanted}` : wanted + 0,
    truncate: truncate === undefined ? Number.POSITIVE_INFINITY : integer('options.truncate', truncate),
  }
}
