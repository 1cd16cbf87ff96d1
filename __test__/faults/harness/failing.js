/** Makes one call of the addon fail, in a process that failing.c was loaded into; and tells what it has called and made. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('./failing.c', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../../target/tests/', import.meta.url))
const LIBRARY = `${FOLDER}failing.so`

/** As `struct control` has it. */
const MOST = 64
const COUNTS = 32
const OBJECTS = COUNTS + 128 * 4
const NAMES = OBJECTS + MOST * 8
const NAME = 24
const PATHS = NAMES + 128 * NAME
const PATH = 192
const SIZE = PATHS + MOST * PATH

/** How a child is started into which the library is loaded. @param {string} path where nothing stands yet */
export function failingEnvironment(path) {
  build()
  writeFileSync(path, Buffer.alloc(SIZE))
  return { LD_PRELOAD: LIBRARY, OS_IPC_FAILING: path }
}

/** Others may be at it too. */
function build() {
  if (existsSync(LIBRARY) && statSync(LIBRARY).mtimeMs > statSync(SOURCE).mtimeMs) return
  mkdirSync(FOLDER, { recursive: true })
  const own = `${LIBRARY}.${process.pid}`
  const { status, stderr } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', own, SOURCE, '-ldl'], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  renameSync(own, LIBRARY)
}

/** @typedef {{ call: string, nth: number, error: string }} Failure */

/** Of the process that it was loaded into. */
export class Failing {
  #fd = openSync(/** @type {string} */ (process.env.OS_IPC_FAILING), 'r+')
  /** Calls that have been seen, as they are numbered. @type {string[]} */
  #names = []

  /** From here on calls are counted, and one of them fails. @param {Failure} [failure] */
  begin(failure) {
    const words = new Uint32Array(NAMES / 4)
    if (failure !== undefined) {
      const number = this.#numberOf(failure.call)
      words.set([1, number, failure.nth, constants.errno[failure.error]])
    } else {
      words.set([1, 0xffffffff])
    }
    writeSync(this.#fd, words, 0, NAMES, 0)
  }

  /**
   * No more of them.
   * @returns {{ injected: number, calls: Map<string, number>, paths: string[], objects: Array<{ kind: 'msg' | 'sem' | 'shm', id: number }> }}
   *   how often each was called; names and objects of System V that were made or found
   */
  end() {
    writeSync(this.#fd, Uint32Array.of(0), 0, 4, 0)
    const all = Buffer.alloc(SIZE)
    readSync(this.#fd, all, 0, SIZE, 0)
    this.#names = Array.from({ length: 128 }, (_, i) => text(all, NAMES + i * NAME, NAME)).filter((name) => name !== '')
    const calls = new Map()
    for (const [i, name] of this.#names.entries()) {
      const count = all.readUInt32LE(COUNTS + i * 4)
      if (count > 0) calls.set(name, count)
    }
    const [created, ids] = [all.readUInt32LE(20), all.readUInt32LE(24)]
    assert.ok(created <= MOST && ids <= MOST, 'more was made than can be written down')
    return {
      injected: all.readUInt32LE(16),
      calls,
      paths: Array.from({ length: created }, (_, i) => text(all, PATHS + i * PATH, PATH)),
      objects: Array.from({ length: ids }, (_, i) => ({
        kind: /** @type {const} */ (['msg', 'sem', 'shm'])[all.readUInt32LE(OBJECTS + i * 8)],
        id: all.readInt32LE(OBJECTS + i * 8 + 4),
      })),
    }
  }

  /** One that was never seen gets the next number. @param {string} name */
  #numberOf(name) {
    const known = this.#names.indexOf(name)
    if (known >= 0) return known
    const number = this.#names.push(name) - 1
    writeSync(this.#fd, Buffer.from(`${name}\0`), 0, name.length + 1, NAMES + number * NAME)
    return number
  }

  close() {
    closeSync(this.#fd)
  }
}

/** @param {Buffer} all */
function text(all, at, length) {
  const end = all.indexOf(0, at)
  return all.toString('utf8', at, Math.min(end, at + length))
}

/** Whether an object of System V is there. @param {{ kind: string, id: number }} object */
export function objectStands({ kind, id }) {
  const lines = readFileSync(`/proc/sysvipc/${kind}`, 'latin1').split('\n').slice(1)
  return lines.some((line) => Number(line.trim().split(/\s+/)[1]) === id)
}
