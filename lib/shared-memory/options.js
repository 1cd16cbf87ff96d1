/**
 * How memory is to be opened, checked and normalised.
 */
import { invalidValue, outOfRange } from '../errors.js'
import { boolean, integer, mode as modeOf, objectOf } from '../validate.js'

/** @param {unknown} size @returns {number} */
export function sizeOf(size, name = 'size') {
  return integer(name, size, 1)
}

/** Of something with a name. @param {unknown} options @param {boolean} anonymous whether it has to be made */
export function openOptionsOf(options, anonymous = false) {
  const given = objectOf(options)
  const create = boolean('options.create', given.create, anonymous)
  const exclusive = boolean('options.exclusive', given.exclusive, false)
  const { size, mode, readOnly, anyOwner } = given
  const range = rangeOf(given)
  const checked = {
    size: size === undefined ? undefined : sizeOf(size, 'options.size'),
    create,
    exclusive,
    mode: modeOf('options.mode', mode, 0o600),
    readOnly: boolean('options.readOnly', readOnly, false),
    anyOwner: boolean('options.anyOwner', anyOwner, false),
    ...range,
  }
  if (anonymous && !create) throw invalidValue('options.create', create, 'must be true where there is no name')
  if (create && size === undefined) throw invalidValue('options.size', size, 'must say how large it is to be')
  if (exclusive && !create) throw invalidValue('options.exclusive', exclusive, 'needs create: true')
  return checked
}

/** @param {Record<string, any>} options */
export function rangeOf({ offset, length }) {
  return {
    offset: offset === undefined ? 0 : integer('options.offset', offset),
    length: length === undefined ? undefined : integer('options.length', length, 1),
  }
}

/**
 * Where a word stands.
 * @param {import('./core.js').MemoryCore} core
 * @param {unknown} offset
 * @param {number} width
 * @returns {number}
 */
export function wordAt(core, offset, width) {
  const at = integer('offset', offset, 0, core.size - width)
  if ((core.skew + at) % width !== 0) throw outOfRange('offset', `a multiple of ${width}`, offset)
  return at
}
