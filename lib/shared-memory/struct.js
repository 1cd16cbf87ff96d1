/**
 * Records in shared memory with the C compiler's layout: an object whose properties are the memory itself.
 */
import { Buffer } from 'node:buffer'
import { endianness } from 'node:os'
import { inspect, types } from 'node:util'
import { closedError, illegalConstructor, invalidType, invalidValue, outOfRange } from '../errors.js'
import { boolean, integer, objectOf } from '../validate.js'
import { fieldOf, layOut } from './layout.js'
import { SharedMemory } from './memory.js'

/** @typedef {import('./layout.js').Field} Field */

/** The memory that records look at: of a handle it is another buffer after a resize. */
class Lens {
  /** @param {unknown} memory */
  constructor(memory) {
    this.memory = memory instanceof SharedMemory ? memory : undefined
    const buffer = this.memory?.buffer ?? memory
    if (!types.isAnyArrayBuffer(buffer)) throw invalidType('memory', 'a SharedMemory or an ArrayBuffer', memory)
    try {
      this.view = new DataView(buffer)
    } catch {
      throw invalidValue('memory', memory, 'must not be detached')
    }
  }

  get data() {
    // 0 when it is detached.
    return this.view.buffer.byteLength === 0 ? this.renewed() : this.view
  }

  renewed() {
    if (this.memory === undefined || this.memory.closed) throw closedError()
    this.view = new DataView(this.memory.buffer)
    return this.view
  }
}

class View {
  #lens
  #base

  /** @param {Lens} lens @param {number} base */
  constructor(lens, base) {
    if (!(lens instanceof Lens)) throw illegalConstructor()
    this.#lens = lens
    this.#base = base
  }

  /** @param {View} record */
  static lens(record) {
    return record.#lens
  }

  /** @param {View} record */
  static base(record) {
    return record.#base
  }

  /** A copy of the values. */
  toJSON() {
    return copyOf(this)
  }

  [inspect.custom]() {
    return copyOf(this)
  }
}

/** Whatever names its fields have. @param {View} record */
function copyOf(record) {
  /** @type {{ [name: string]: any }} */
  const copy = {}
  for (const name in record) {
    const value = /** @type {any} */ (record)[name]
    const own = value instanceof View ? copyOf(value) : Array.isArray(value) ? [...value] : value
    Object.defineProperty(copy, name, { value: own, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

/** Of all structs, so that one can be a field of another. @type {WeakMap<object, Struct>} */
const structs = new WeakMap()

class Struct {
  /** @param {Array<[string, Field]>} fields @param {boolean} little @param {boolean} packed */
  constructor(fields, little, packed) {
    const { offsets, byteLength, alignment } = layOut(fields, packed)
    this.byteLength = byteLength
    this.alignment = alignment
    this.offsets = offsets
    this.little = little
    /** @type {Map<string, Access>} */
    this.accesses = new Map()
    this.Type = class extends View {}
    for (const [name, field] of fields) {
      const access = accessOf(name, field, offsets[name], little)
      this.accesses.set(name, access)
      Object.defineProperty(this.Type.prototype, name, {
        enumerable: true,
        configurable: true,
        get: access.get,
        /** @this {View} */
        set(value) {
          const commit = access.prepare(value)
          commit(View.lens(this).data, View.base(this))
        },
      })
    }
  }

  /** @param {Lens} lens @param {number} offset */
  at(lens, offset) {
    return new this.Type(lens, offset)
  }
}

/**
 * @param {Record<string, unknown>} fields
 * @param {{ endian?: 'native' | 'little' | 'big', packed?: boolean }} [options]
 */
export function struct(fields, options) {
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    throw invalidType('fields', 'an object', fields)
  }
  const { endian = 'native', packed } = objectOf(options)
  if (!['native', 'little', 'big'].includes(endian)) {
    throw invalidValue('options.endian', endian, "must be one of 'native', 'little', 'big'")
  }
  const little = endian === 'native' ? endianness() === 'LE' : endian === 'little'
  const parts = Object.entries(fields).map(([name, type]) => {
    return /** @type {[string, Field]} */ ([
      name,
      fieldOf(name, type, (given) => structs.has(/** @type {any} */ (given))),
    ])
  })
  if (parts.length === 0) throw invalidValue('fields', fields, 'must have at least one field')
  const made = new Struct(parts, little, boolean('options.packed', packed, false))
  const { byteLength, alignment, offsets } = made
  const face = Object.freeze({
    byteLength,
    alignment,
    offsets,

    /** @param {unknown} memory @param {number} [offset] */
    view(memory, offset = 0) {
      const lens = new Lens(memory)
      return made.at(lens, placeOf(lens, offset, byteLength))
    },

    /** @param {unknown} memory @param {number} offset @param {number} length */
    array(memory, offset, length) {
      const lens = new Lens(memory)
      const count = integer('length', length, 0, 0xffffffff)
      const base = placeOf(lens, offset, byteLength * count)
      return Array.from({ length: count }, (_, index) => made.at(lens, base + index * byteLength))
    },
  })
  structs.set(face, made)
  return face
}

/** @param {Lens} lens @param {unknown} offset @param {number} bytes */
function placeOf(lens, offset, bytes) {
  const room = lens.data.byteLength - bytes
  if (room < 0) throw outOfRange('memory', `of at least ${bytes} bytes`, lens.data.byteLength)
  return integer('offset', offset, 0, room)
}

/**
 * How a field is read; and how a value is checked for it as a whole, before the first byte of it is written.
 * @typedef {{ get(this: View): any, prepare: (value: any) => Commit }} Access
 * @typedef {(data: DataView, base: number) => void} Commit
 */

/**
 * @param {string} name
 * @param {Field} field
 * @param {number} offset
 * @param {boolean} little
 * @returns {Access}
 */
function accessOf(name, field, offset, little) {
  switch (field.kind) {
    case 'number': {
      const { get, set, check } = field.scalar
      return {
        get() {
          return get(View.lens(this).data, View.base(this) + offset, little)
        },
        prepare(value) {
          const checked = check(name, value)
          return (data, base) => set(data, base + offset, checked, little)
        },
      }
    }
    case 'char':
      return {
        get() {
          return textIn(bytesOf(View.lens(this).data, View.base(this) + offset, field.length))
        },
        prepare(value) {
          if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
          const text = Buffer.from(value)
          if (text.length > field.length) throw outOfRange(name, `of at most ${field.length} bytes`, value)
          return (data, base) =>
            bytesOf(data, base + offset, field.length)
              .fill(0)
              .set(text)
        },
      }
    case 'array':
      return {
        get() {
          return elements(this, name, field, offset, little)
        },
        prepare(value) {
          const { scalar, length } = field
          if (!Array.isArray(value) && !ArrayBuffer.isView(value)) throw invalidType(name, 'an Array', value)
          // One that is detached is empty and cannot be asked for its elements.
          const given = ArrayBuffer.isView(value) && value.byteLength === 0 ? [] : value
          const values = Array.from(/** @type {any} */ (given), (element) => scalar.check(name, element))
          if (values.length !== length) throw outOfRange(name, `an Array of ${length} elements`, values.length)
          return (data, base) => {
            values.forEach((element, index) => {
              scalar.set(data, base + offset + index * scalar.size, element, little)
            })
          }
        },
      }
    case 'struct': {
      const inner = /** @type {Struct} */ (structs.get(field.of))
      return {
        get() {
          return inner.at(View.lens(this), View.base(this) + offset)
        },
        prepare(value) {
          if (value === null || typeof value !== 'object') throw invalidType(name, 'an object', value)
          const commits = [...inner.accesses]
            .filter(([key]) => key in value)
            .map(([key, access]) => access.prepare(value[key]))
          return (data, base) => {
            for (const commit of commits) commit(data, base + offset)
          }
        },
      }
    }
  }
}

/** @param {DataView} data @param {number} offset @param {number} length */
function bytesOf(data, offset, length) {
  return new Uint8Array(data.buffer, offset, length)
}

/** As C has it: up to the first null byte. @param {Uint8Array} bytes */
function textIn(bytes) {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString()
}

/**
 * An Array whose elements are the memory itself.
 * @param {View} record
 * @param {string} name
 * @param {{ scalar: import('./layout.js').Scalar, length: number }} field
 * @param {number} offset
 * @param {boolean} little
 */
function elements(record, name, { scalar, length }, offset, little) {
  const lens = View.lens(record)
  const base = View.base(record) + offset
  /** @type {Array<number | bigint>} */
  const array = []
  for (let index = 0; index < length; index++) {
    const at = base + index * scalar.size
    Object.defineProperty(array, index, {
      enumerable: true,
      get: () => scalar.get(lens.data, at, little),
      set: (value) => scalar.set(lens.data, at, scalar.check(`${name}[${index}]`, value), little),
    })
  }
  Object.defineProperty(array, inspect.custom, { value: () => [...array] })
  return Object.preventExtensions(array)
}
