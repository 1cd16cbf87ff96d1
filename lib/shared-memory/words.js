/**
 * The words that are shared with the addon: operands of the calls that are made often, and their results. Passing an
 * offset of more than 32 bits, or a value of 64, costs more than the call.
 */
import native from '../load.js'

// src/shared_memory.rs has the same numbers, in words of 32 bits: offset 0, value 2, expected 4.
const memory = new ArrayBuffer(24)

/** The offset, at 0. */
export const offsets = new Float64Array(memory, 0, 1)
/** A value at 0 and what is expected at 2. */
export const values32 = new Int32Array(memory, 8, 4)
/** A value at 0 and what is expected at 1. */
export const values64 = new BigInt64Array(memory, 8, 2)

native.sharedMemoryWords(new Uint32Array(memory))
