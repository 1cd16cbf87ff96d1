import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../../lib/cli/command.js'

/**
 * @typedef {object} SourceFile
 * @property {string} path
 * @property {number} size
 * @property {string} sha256
 * @property {boolean} inMemory
 * @property {(size: number) => Iterable<Buffer>} chunks Its bytes, in pieces of `size` at most.
 */

/** Both processes keep a file of up to this many bytes in memory; a larger one is read and hashed on the way. */
const memoryLimit = 536_870_912
const readSize = 1_048_576

/**
 * @param {string} name
 * @returns {SourceFile}
 */
export function openFile(name) {
  const path = resolve(name)
  try {
    // A FIFO would hold up a blocking open until somebody writes to it.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile())
        throw new UsageError(`${path} is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}`)
      return stat.size <= memoryLimit ? fileInMemory(path, fd) : largeFile(path, fd, stat.size)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`cannot read ${path}: ${/** @type {NodeJS.ErrnoException} */ (error).code}`)
  }
}

/**
 * @param {string} path
 * @param {number} fd
 * @returns {SourceFile}
 */
function fileInMemory(path, fd) {
  const data = readFileSync(fd)
  return {
    path,
    size: data.length,
    sha256: createHash('sha256').update(data).digest('hex'),
    inMemory: true,
    *chunks(length) {
      for (let at = 0; at < data.length; at += length) yield data.subarray(at, at + length)
    },
  }
}

/**
 * @param {string} path
 * @param {number} fd
 * @param {number} size
 * @returns {SourceFile}
 */
function largeFile(path, fd, size) {
  const hash = createHash('sha256')
  const scratch = Buffer.alloc(readSize)
  for (let count = readSync(fd, scratch); count > 0; count = readSync(fd, scratch))
    hash.update(scratch.subarray(0, count))
  return {
    path,
    size,
    sha256: hash.digest('hex'),
    inMemory: false,
    *chunks(length) {
      const own = openSync(path, 'r')
      try {
        // A new buffer each: who got the last one may still be sending it.
        for (;;) {
          const buffer = Buffer.allocUnsafeSlow(length)
          const count = readSync(own, buffer)
          if (count === 0) return
          yield buffer.subarray(0, count)
        }
      } finally {
        closeSync(own)
      }
    },
  }
}
