import { fstatSync } from 'node:fs'

/**
 * Which file, pipe or socket a descriptor is of, as the kernel numbers them. By it a process knows that it really has what a
 * variable speaks of: variables go on to grandchildren, descriptors need not.
 * @param {number} fd
 * @returns {string | undefined} undefined if it is not open
 */
export function fileOf(fd) {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
