import { fstatSync, statSync } from 'node:fs'

const exact = { bigint: /** @type {const} */ (true) }

/**
 * Which file, pipe or socket a descriptor is of, as the kernel numbers them. By it a process knows that it really has what a
 * variable speaks of: variables go on to grandchildren, descriptors need not.
 * @param {number} fd
 * @returns {string | undefined} undefined if it is not open
 */
export function fileOf(fd) {
  return told(() => fstatSync(fd, exact)) ?? told(() => statSync(`/proc/self/fd/${fd}`, exact))
}

/** Deno's fstat knows only of what Deno has opened. @param {() => import('node:fs').BigIntStats} ask */
function told(ask) {
  try {
    const { dev, ino } = ask()
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
