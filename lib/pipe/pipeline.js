/**
 * Processes joined stdout to stdin by pipes of the kernel, as a shell joins them, without a shell and without the data
 * coming through here.
 */
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs'
import { constants as system } from 'node:os'
import { delimiter, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coded, invalidType, invalidValue } from '../errors.js'
import { coreOf, Handle } from '../handle.js'
import { abortSignal, descriptor, objectOf, waitOf } from '../validate.js'
import { withWait } from '../wait/promise.js'
import { PipeCore, pipeOf } from './end.js'
import { pipe } from './pipe.js'

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null }} ExitStatus */
/** @typedef {'ignore' | 'inherit' | number} Plain */

/**
 * @param {ReadonlyArray<readonly string[]>} commands
 * @param {Record<string, any>} [options]
 */
export function pipeline(commands, options) {
  const { stdin, stdout, stderr, stdio, signal, ...rest } = objectOf(options)
  if (stdio !== undefined)
    throw invalidValue('options.stdio', stdio, 'is not for pipelines: give stdin, stdout, stderr')
  // What may run code of the caller's comes before the ends are looked at.
  if (rest.env) rest.env = { ...rest.env }
  const lines = commandsOf(commands)
  abortSignal('options.signal', signal)
  if (signal?.aborted) throw signal.reason
  const first = sourceOf(stdin)
  const last = sinkOf('options.stdout', stdout, 'pipe')
  const errors = sinkOf('options.stderr', stderr, 'inherit')
  lines.forEach(([command], index) => {
    findCommand(command, rest, index)
  })

  const plumbing = new Plumbing(lines.length, first, last)
  /** @type {ChildProcess[]} */
  const processes = []
  try {
    lines.forEach(([command, ...args], index) => {
      const stdio = [plumbing.inputs[index], plumbing.outputs[index], fdOf(errors)]
      processes.push(start(command, args, { ...rest, stdio }, index))
    })
  } catch (error) {
    for (const child of processes) child.kill('SIGKILL')
    plumbing.abandon()
    throw error
  }
  plumbing.handedOver()
  if (errors instanceof PipeCore) errors.close()
  return new Pipeline(processes, plumbing, signal, rest.killSignal)
}

class Pipeline {
  #statuses

  /**
   * @param {ChildProcess[]} processes
   * @param {Plumbing} plumbing
   * @param {AbortSignal | undefined} signal
   * @param {NodeJS.Signals | undefined} killSignal
   */
  constructor(processes, plumbing, signal, killSignal) {
    this.processes = Object.freeze(processes)
    this.stdin = plumbing.stdin
    this.stdout = plumbing.stdout
    this.#statuses = Promise.all(processes.map(statusOf))
    if (signal === undefined) return
    const abort = () => {
      // The last one first: one that outlives its source takes what has come so far for the whole, and ends well.
      for (const child of [...processes].reverse()) child.kill(killSignal)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#statuses.then(() => signal.removeEventListener('abort', abort))
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async status(options) {
    return withWait(this.#statuses, waitOf(objectOf(options)))
  }
}

/** The pipes between the processes, and those to us. */
class Plumbing {
  /**
   * @param {number} count
   * @param {'pipe' | Plain | PipeCore} first
   * @param {'pipe' | Plain | PipeCore} last
   */
  constructor(count, first, last) {
    /** @type {Handle[]} ends that the children have and we give up */
    this.theirs = []
    /** @type {import('./writer.js').PipeWriter | null} */
    this.stdin = null
    /** @type {import('./reader.js').PipeReader | null} */
    this.stdout = null
    /** @type {PipeCore[]} ends of the caller's, which move */
    this.given = [first, last].filter((end) => end instanceof PipeCore)
    /** @type {Plain[]} */
    this.inputs = []
    /** @type {Plain[]} */
    this.outputs = []
    try {
      this.inputs.push(first === 'pipe' ? this.#toUs('stdin') : fdOf(first))
      for (let i = 1; i < count; i++) {
        const { reader, writer } = pipe()
        this.theirs.push(reader, writer)
        this.outputs.push(fdOfHandle(writer))
        this.inputs.push(fdOfHandle(reader))
      }
      this.outputs.push(last === 'pipe' ? this.#toUs('stdout') : fdOf(last))
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  /** @param {'stdin' | 'stdout'} which @returns {number} the end that is the child's */
  #toUs(which) {
    const { reader, writer } = pipe()
    if (which === 'stdin') {
      this.stdin = writer
      this.theirs.push(reader)
      return fdOfHandle(reader)
    }
    this.stdout = reader
    this.theirs.push(writer)
    return fdOfHandle(writer)
  }

  /** The children have started: an end that we kept would keep them from ever seeing an end or EPIPE. */
  handedOver() {
    for (const end of this.theirs) end.close()
    for (const end of this.given) end.close()
  }

  /** They have not: the caller's ends stay as they were. */
  abandon() {
    for (const end of this.theirs) end.close()
    this.stdin?.close()
    this.stdout?.close()
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @param {number} index
 */
function start(command, args, options, index) {
  let child
  try {
    child = spawn(command, args, options)
  } catch (error) {
    throw Object.assign(/** @type {Error} */ (error), { index })
  }
  if (child.pid !== undefined) {
    // Of a kill that comes too late, and the like: the status tells all there is to tell.
    child.on('error', () => {})
    return child
  }
  // Node tells why in an event, too late for an error that is thrown.
  child.on('error', () => {})
  throw whyNot(command, options, index)
}

/**
 * Why a command that is there cannot be started.
 * @param {string} command
 * @param {import('node:child_process').SpawnOptions} options
 * @param {number} index
 */
function whyNot(command, options, index) {
  try {
    // Two descriptors, which starting it takes too.
    const { reader, writer } = pipe()
    reader.close()
    writer.close()
    accessSync(folderOf(options), constants.X_OK)
    const interpreter = /^#! *(\S+)/.exec(firstLine(findCommand(command, options, index)))?.[1]
    if (interpreter !== undefined) accessSync(interpreter, constants.X_OK)
  } catch (cause) {
    const { code, errno } = /** @type {NodeJS.ErrnoException} */ (cause)
    if (code !== undefined && errno !== undefined) return startFailure(code, errno, command, index, options)
  }
  return startFailure('EAGAIN', -system.errno.EAGAIN, command, index, options)
}

/** @param {string | undefined} file */
function firstLine(file) {
  if (file === undefined) return ''
  const fd = openSync(file, 'r')
  try {
    const start = Buffer.alloc(256)
    return start.toString('latin1', 0, readSync(fd, start))
  } finally {
    closeSync(fd)
  }
}

/**
 * @param {string} code
 * @param {number} errno
 * @param {string} command
 * @param {number} index
 * @param {{ cwd?: string | URL }} options
 */
function startFailure(code, errno, command, index, options) {
  const folder = folderOf(options)
  return coded(Error, code, `${code}: command ${index} of the pipeline cannot be started, spawn ${command}`, {
    errno,
    syscall: `spawn ${command}`,
    path: command,
    index,
    // As it stands the message blames the command.
    ...(existsSync(folder) ? {} : { hint: `the cwd does not exist: ${folder}` }),
  })
}

/**
 * Says ENOENT or EACCES before anything is started, as execvp(3) would. Node itself tells of it in an event, too late.
 * @param {string} command
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string | URL, shell?: unknown }} options
 * @param {number} index
 * @returns {string | undefined} the file, unless a shell is to look for it
 */
function findCommand(command, options, index) {
  if (options.shell) return
  const folder = folderOf(options)
  const places = command.includes('/')
    ? [resolve(folder, command)]
    : ((options.env ?? process.env).PATH ?? '/bin:/usr/bin')
        .split(delimiter)
        .map((place) => resolve(folder, place, command))
  let refused = false
  for (const place of places) {
    try {
      if (!statSync(place).isFile()) {
        refused = true
        continue
      }
      accessSync(place, constants.X_OK)
      return place
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EACCES') refused = true
    }
  }
  const [code, errno] = refused ? ['EACCES', -system.errno.EACCES] : ['ENOENT', -system.errno.ENOENT]
  throw startFailure(/** @type {string} */ (code), /** @type {number} */ (errno), command, index, options)
}

/** Where the commands run. @param {{ cwd?: string | URL }} options */
function folderOf({ cwd }) {
  if (cwd === undefined) return process.cwd()
  return cwd instanceof URL ? fileURLToPath(cwd) : resolve(cwd)
}

/** @param {ChildProcess} child @returns {Promise<ExitStatus>} */
function statusOf(child) {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** @param {unknown} commands @returns {string[][]} */
function commandsOf(commands) {
  if (!Array.isArray(commands)) throw invalidType('commands', 'an array of arrays of strings', commands)
  if (commands.length === 0) throw invalidValue('commands', commands, 'must hold at least one command')
  return commands.map((given, index) => {
    const name = `commands[${index}]`
    if (!Array.isArray(given)) throw invalidType(name, 'an array of strings', given)
    const line = [...given]
    for (const word of line) {
      if (typeof word !== 'string') throw invalidType(name, 'an array of strings', word)
      if (word.includes('\0')) throw invalidValue(name, word, 'must hold strings without null bytes')
    }
    if (line.length === 0 || line[0] === '') throw invalidValue(name, line, 'must begin with the name of a command')
    return line
  })
}

/** @param {any} given @returns {'pipe' | Plain | PipeCore} */
function sourceOf(given) {
  return endOf('options.stdin', given, 'pipe', false)
}

/** @param {string} name @param {any} given @param {'pipe' | 'inherit'} fallback @returns {'pipe' | Plain | PipeCore} */
function sinkOf(name, given, fallback) {
  if (name === 'options.stderr' && given === 'pipe') {
    throw invalidValue(name, given, "must be 'inherit', 'ignore', a PipeWriter or a descriptor")
  }
  return endOf(name, given, fallback, true)
}

/** @param {string} name @param {any} given @param {'pipe' | 'inherit'} fallback @param {boolean} isWriter */
function endOf(name, given, fallback, isWriter) {
  if (given === undefined) return fallback
  if (typeof given === 'number') return descriptor(name, given)
  if (given === 'pipe' || given === 'ignore' || given === 'inherit') return given
  const expected = `'pipe', 'ignore', 'inherit', ${isWriter ? 'a PipeWriter' : 'a PipeReader'} or a descriptor`
  if (typeof given === 'string') throw invalidValue(name, given, `must be ${expected}`)
  if (!(given instanceof Handle)) throw invalidType(name, expected, given)
  const core = coreOf(given)
  if (!(core instanceof PipeCore) || core.isWriter !== isWriter) throw invalidType(name, expected, given)
  core.check()
  return core
}

/** @param {'pipe' | Plain | PipeCore} end @returns {Plain} */
function fdOf(end) {
  if (end instanceof PipeCore) return end.fd
  // Only where a pipe to us has been made does 'pipe' stand, and then that one's number is taken.
  return /** @type {Plain} */ (end)
}

/** @param {any} handle @returns {number} */
function fdOfHandle(handle) {
  return pipeOf(handle).fd
}
