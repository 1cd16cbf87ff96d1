/**
 * Whether the other side may run while this one does. What this process may use says nothing of that: each may have been
 * given a processor of its own.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** @type {boolean | undefined} */
let known

export function hasSeveralProcessors() {
  known ??= look()
  return known
}

function look() {
  try {
    return /[-,]/.test(readFileSync('/sys/devices/system/cpu/online', 'latin1'))
  } catch {
    return cpus().length > 1
  }
}
