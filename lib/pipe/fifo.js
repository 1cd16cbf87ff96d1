/**
 * FIFOs: pipes with a name in the file system. See fifo(7).
 */
import { illegalConstructor } from '../errors.js'
import { fix } from '../handle.js'
import native from '../load.js'
import { boolean, mode as modeOf, objectOf, path as pathOf, waitOf } from '../validate.js'
import { runJob } from '../wait/job.js'
import { PipeCore } from './end.js'
import { PipeReader } from './reader.js'
import { PipeWriter } from './writer.js'

const INTERNAL = Symbol('internal')

/** @typedef {{ anyOwner?: boolean, timeout?: number, signal?: AbortSignal }} OpenOptions */

export class Fifo {
  #path

  /** @param {symbol} key @param {string} path */
  constructor(key, path) {
    if (key !== INTERNAL) throw illegalConstructor()
    this.#path = path
    fix(this, 'path', path)
  }

  /** @param {string | URL} path @param {{ mode?: number, exclusive?: boolean }} [options] */
  static create(path, options) {
    const checked = pathOf('path', path)
    const { mode, exclusive } = objectOf(options)
    const bits = modeOf('options.mode', mode, 0o600)
    native.fifoCreate(checked, bits, boolean('options.exclusive', exclusive, true))
    return new Fifo(INTERNAL, checked)
  }

  /** @param {string | URL} path */
  static at(path) {
    return new Fifo(INTERNAL, pathOf('path', path))
  }

  /** @param {OpenOptions} [options] */
  async openReader(options) {
    return new PipeReader(await open(this.#path, false, options))
  }

  /** @param {OpenOptions} [options] */
  async openWriter(options) {
    return new PipeWriter(await open(this.#path, true, options))
  }

  unlink() {
    native.fifoUnlink(this.#path)
  }
}

/** @param {string} path @param {boolean} isWriter @param {OpenOptions | undefined} options */
async function open(path, isWriter, options) {
  const given = objectOf(options)
  const anyOwner = boolean('options.anyOwner', given.anyOwner, false)
  const wait = waitOf(given)
  const begin = /** @param {number} reactor @param {number} token */ (reactor, token) =>
    native.fifoOpen(reactor, token, path, isWriter, anyOwner)
  const id = await runJob(begin, wait)
  try {
    return new PipeCore(native.pipeFacts(id), isWriter)
  } catch (error) {
    native.pipeClose(id)
    throw error
  }
}
