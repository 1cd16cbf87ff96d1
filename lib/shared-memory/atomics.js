/**
 * Atomic operations on words of shared memory, made by the processor itself, on every runtime.
 */
import { invalidValue, outOfRange } from '../errors.js'
import native from '../load.js'
import { integer } from '../validate.js'
import { wordAt } from './options.js'
import { offsets, values32, values64 } from './words.js'

/** @typedef {import('./core.js').MemoryCore} MemoryCore */
/** @typedef {'i32' | 'u32' | 'i64' | 'u64'} WordType */

// As src/shared_memory.rs numbers them.
const LOAD = 0
const STORE = 1
const ADD = 2
const SUB = 3
const AND = 4
const OR = 5
const XOR = 6
const EXCHANGE = 7
const COMPARE_EXCHANGE = 8

/** Any number of 32 bits, with a sign or without. @param {string} name @param {unknown} value */
function word32(name, value) {
  return integer(name, value, -0x80000000, 0xffffffff)
}

/** Any number of 64 bits, with a sign or without. @param {string} name @param {unknown} value */
function word64(name, value) {
  if (typeof value !== 'bigint') return BigInt(integer(name, value, Number.MIN_SAFE_INTEGER))
  if (value < -0x8000000000000000n || value > 0xffffffffffffffffn) {
    throw outOfRange(name, '>= -(2n ** 63n) and < 2n ** 64n', value)
  }
  return value
}

export class SharedAtomics {
  #core

  /** @param {MemoryCore} core */
  constructor(core) {
    this.#core = core
  }

  /** @param {WordType} type @param {number} offset */
  load(type, offset) {
    return this.#run(LOAD, type, offset, undefined, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  store(type, offset, value) {
    this.#run(STORE, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  add(type, offset, value) {
    return this.#run(ADD, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  sub(type, offset, value) {
    return this.#run(SUB, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  and(type, offset, value) {
    return this.#run(AND, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  or(type, offset, value) {
    return this.#run(OR, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  xor(type, offset, value) {
    return this.#run(XOR, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} value */
  exchange(type, offset, value) {
    return this.#run(EXCHANGE, type, offset, value, undefined)
  }

  /** @param {WordType} type @param {number} offset @param {number | bigint} expected @param {number | bigint} value */
  compareExchange(type, offset, expected, value) {
    return this.#run(COMPARE_EXCHANGE, type, offset, value, expected)
  }

  /**
   * @param {number} operation
   * @param {WordType} type
   * @param {number} offset
   * @param {number | bigint | undefined} value
   * @param {number | bigint | undefined} expected
   * @returns {any}
   */
  #run(operation, type, offset, value, expected) {
    const core = this.#core
    switch (type) {
      case 'i32':
      case 'u32': {
        const at = wordAt(core, offset, 4)
        if (operation !== LOAD) values32[0] = word32('value', value)
        if (operation === COMPARE_EXCHANGE) values32[2] = word32('expected', expected)
        core.check()
        offsets[0] = at
        const before = native.sharedMemoryAtomic32(core.id, operation)
        return type === 'u32' ? before >>> 0 : before
      }
      case 'i64':
      case 'u64': {
        const at = wordAt(core, offset, 8)
        if (operation !== LOAD) values64[0] = word64('value', value)
        if (operation === COMPARE_EXCHANGE) values64[1] = word64('expected', expected)
        core.check()
        offsets[0] = at
        native.sharedMemoryAtomic64(core.id, operation)
        return type === 'u64' ? BigInt.asUintN(64, values64[0]) : values64[0]
      }
      default:
        throw invalidValue('type', type, "must be one of 'i32', 'u32', 'i64', 'u64'")
    }
  }
}
