/**
 * What /proc has, where there is one: processes and objects come and go while it is read, and much of it is not for
 * everybody.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What is said of something that has gone, or is not for this user. */
const ABSENT = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'EINVAL', 'EIO', 'ELOOP', 'EBADF'])

/**
 * What `look` gives; undefined where there is nothing to be seen.
 * @template T
 * @param {() => T} look
 */
export function ifThere(look) {
  try {
    return look()
  } catch (error) {
    if (!ABSENT.has(/** @type {any} */ (error).code)) throw error
    return undefined
  }
}

/** @param {string} path */
export function textOf(path) {
  return ifThere(() => readFileSync(path, 'utf8'))
}

/** @param {string} path */
export function linkOf(path) {
  return ifThere(() => readlinkSync(path))
}

/** The numbers of the processes that are to be seen; undefined where there is no /proc. @returns {number[] | undefined} */
export function processes() {
  const names = ifThere(() => readdirSync('/proc'))
  const numbers = names?.filter((name) => /^\d+$/.test(name)).map(Number)
  return numbers && numbers.length > 0 ? numbers : undefined
}

/** The lines of a table without its head, each in words; undefined where there is none. @param {string} path */
export function tableOf(path) {
  return textOf(path)
    ?.trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
}

/** A file that holds whole numbers and nothing else. @param {string} path @returns {number[]} none where there is no such file */
export function numbersOf(path) {
  const text = textOf(path)?.trim()
  if (!text) return []
  const numbers = text.split(/\s+/).map(Number)
  return numbers.every((number) => !Number.isNaN(number)) ? numbers : []
}
