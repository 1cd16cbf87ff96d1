/**
 * How the C compiler of this machine lays fields out: each at a multiple of its alignment, the whole at a multiple of the
 * largest one.
 */
import { invalidType, invalidValue } from '../errors.js'
import { integer } from '../validate.js'

/** @typedef {'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64' | 'u64' | 'i64'} NumberType */

/**
 * @typedef {object} Scalar
 * @property {number} size
 * @property {(data: DataView, at: number, little: boolean) => number | bigint} get
 * @property {(data: DataView, at: number, value: any, little: boolean) => void} set
 * @property {(name: string, value: unknown) => number | bigint} check
 */

/** @param {number} least @param {number} most @returns {Scalar['check']} */
function whole(least, most) {
  return (name, value) => integer(name, value, least, most)
}

/** @param {bigint} least @param {bigint} most @returns {Scalar['check']} */
function long(least, most) {
  return (name, value) => {
    if (typeof value !== 'bigint') throw invalidType(name, 'of type bigint', value)
    if (value < least || value > most) throw invalidValue(name, value, `must be >= ${least}n and <= ${most}n`)
    return value
  }
}

/** @type {Scalar['check']} */
function real(name, value) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  return value
}

/** @type {Record<NumberType, Scalar>} */
const SCALARS = {
  u8: { size: 1, get: (d, at) => d.getUint8(at), set: (d, at, v) => d.setUint8(at, v), check: whole(0, 0xff) },
  i8: { size: 1, get: (d, at) => d.getInt8(at), set: (d, at, v) => d.setInt8(at, v), check: whole(-0x80, 0x7f) },
  u16: {
    size: 2,
    get: (d, at, little) => d.getUint16(at, little),
    set: (d, at, v, little) => d.setUint16(at, v, little),
    check: whole(0, 0xffff),
  },
  i16: {
    size: 2,
    get: (d, at, little) => d.getInt16(at, little),
    set: (d, at, v, little) => d.setInt16(at, v, little),
    check: whole(-0x8000, 0x7fff),
  },
  u32: {
    size: 4,
    get: (d, at, little) => d.getUint32(at, little),
    set: (d, at, v, little) => d.setUint32(at, v, little),
    check: whole(0, 0xffffffff),
  },
  i32: {
    size: 4,
    get: (d, at, little) => d.getInt32(at, little),
    set: (d, at, v, little) => d.setInt32(at, v, little),
    check: whole(-0x80000000, 0x7fffffff),
  },
  f32: {
    size: 4,
    get: (d, at, little) => d.getFloat32(at, little),
    set: (d, at, v, little) => d.setFloat32(at, v, little),
    check: real,
  },
  f64: {
    size: 8,
    get: (d, at, little) => d.getFloat64(at, little),
    set: (d, at, v, little) => d.setFloat64(at, v, little),
    check: real,
  },
  u64: {
    size: 8,
    get: (d, at, little) => d.getBigUint64(at, little),
    set: (d, at, v, little) => d.setBigUint64(at, v, little),
    check: long(0n, 0xffffffffffffffffn),
  },
  i64: {
    size: 8,
    get: (d, at, little) => d.getBigInt64(at, little),
    set: (d, at, v, little) => d.setBigInt64(at, v, little),
    check: long(-0x8000000000000000n, 0x7fffffffffffffffn),
  },
}

/**
 * What a field is.
 * @typedef {{ kind: 'number', scalar: Scalar }
 *   | { kind: 'char', length: number }
 *   | { kind: 'array', scalar: Scalar, length: number }
 *   | { kind: 'struct', of: { byteLength: number, alignment: number } }} Field
 */

/**
 * @param {string} name
 * @param {unknown} type
 * @param {(type: unknown) => boolean} isStruct
 * @returns {Field}
 */
export function fieldOf(name, type, isStruct) {
  if (typeof type === 'string' && Object.hasOwn(SCALARS, type)) {
    return { kind: 'number', scalar: SCALARS[/** @type {NumberType} */ (type)] }
  }
  if (Array.isArray(type) && type.length === 2) {
    const [element, count] = type
    const length = integer(`fields.${name}`, count, 1, 0x7fffffff)
    if (element === 'char') return { kind: 'char', length }
    if (typeof element === 'string' && Object.hasOwn(SCALARS, element)) {
      return { kind: 'array', scalar: SCALARS[/** @type {NumberType} */ (element)], length }
    }
  }
  if (isStruct(type)) return { kind: 'struct', of: /** @type {any} */ (type) }
  throw invalidValue(`fields.${name}`, type, "must be a number's type, ['char', N], [type, N] or a struct")
}

/** @param {Field} field @returns {{ size: number, alignment: number }} */
function extentOf(field) {
  switch (field.kind) {
    case 'number':
      return { size: field.scalar.size, alignment: field.scalar.size }
    case 'char':
      return { size: field.length, alignment: 1 }
    case 'array':
      return { size: field.scalar.size * field.length, alignment: field.scalar.size }
    case 'struct':
      return { size: field.of.byteLength, alignment: field.of.alignment }
  }
}

/**
 * @param {Array<[string, Field]>} fields
 * @param {boolean} packed
 */
export function layOut(fields, packed) {
  /** @type {Record<string, number>} */
  const offsets = {}
  let end = 0
  let alignment = 1
  for (const [name, field] of fields) {
    const extent = extentOf(field)
    const own = packed ? 1 : extent.alignment
    end = roundUp(end, own)
    Object.defineProperty(offsets, name, { value: end, enumerable: true })
    end += extent.size
    alignment = Math.max(alignment, own)
  }
  return { offsets: Object.freeze(offsets), byteLength: roundUp(end, alignment), alignment }
}

/** @param {number} offset @param {number} multiple */
function roundUp(offset, multiple) {
  return Math.ceil(offset / multiple) * multiple
}
