/**
 * Descriptors that nobody has asked for are closed when their message is collected, and of them V8 knows nothing: where
 * many have gathered, it is brought to collect. Not by napi_adjust_external_memory: V8 13 ends the process if less than
 * nothing would be left.
 */
import { getHeapStatistics } from 'node:v8'
import native from '../load.js'

/** Of as many as this process may have open, before it is brought to that, and again from there on. */
const PART = 4

let count = 0
/** From how many on. */
let mark = 0

/** @param {number} fds how many have come */
export function claimable(fds) {
  count += fds
  if (count < mark) return
  const part = native.unixDescriptorLimit() / PART
  if (count >= part) press()
  mark = count >= part ? count + part : part
}

/** @param {number} fds how many have been taken, or closed */
export function claimed(fds) {
  count -= fds
  // At the next arrival the limit is looked at anew.
  if (count < mark / 2) mark = 0
}

function press() {
  try {
    // Half its heap's limit is as much as makes V8 collect at once, and not by and by. Nobody writes to it: it takes none.
    new ArrayBuffer(getHeapStatistics().heap_size_limit / 2)
  } catch {
    // It is a hint; without so much address space it cannot be given.
  }
}
