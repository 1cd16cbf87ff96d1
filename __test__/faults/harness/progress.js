/** How far a process has come that may be killed at any moment: in a file, for nothing else would survive it. */
import { Buffer } from 'node:buffer'
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'

const WORD = 4

/** Of the process that goes on. @param {string} path */
export class Progress {
  #fd
  #words = Buffer.alloc(WORD)

  constructor(path) {
    this.#fd = openSync(path, 'a')
  }

  /** @param {number} number */
  add(number) {
    this.#words.writeUInt32LE(number)
    writeSync(this.#fd, this.#words)
  }

  close() {
    closeSync(this.#fd)
  }
}

/** Every number that was added, in the process that is left. @param {string} path */
export function progressOf(path) {
  const bytes = readFileSync(path)
  rmSync(path)
  // The last one may have been cut.
  return Array.from({ length: Math.floor(bytes.length / WORD) }, (_, i) => bytes.readUInt32LE(i * WORD))
}
