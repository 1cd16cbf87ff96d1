/**
 * Processes by pidfd: see pidfd_open(2).
 */
import { invalidValue } from '../errors.js'
import { coresOf, fix, Handle, isOwned } from '../handle.js'
import native from '../load.js'
import { SOURCE } from '../select/source.js'
import { numberOf } from '../signals/name.js'
import { descriptor, integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { blockUntil } from '../wait/sync.js'
import { Exit, ProcessCore } from './core.js'

/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */
/** @typedef {import('./status.js').ExitStatus} ExitStatus */
/** @typedef {{ pid: number, startTime: Date }} Constants of a handle, which are properties of its own */

const processOf = coresOf(ProcessCore, 'a ProcessHandle')

export class ProcessHandle extends Handle {
  /** @param {ProcessCore} core @param {number} pid @param {number} start milliseconds since 1970, NaN if unknown */
  constructor(core, pid, start) {
    super(core)
    fix(this, 'pid', pid)
    fix(this, 'startTime', new Date(Math.round(start)))
  }

  /** @param {number} pid */
  static open(pid) {
    const facts = native.processOpen(integer('pid', pid, 1, 0x7fffffff))
    return new ProcessHandle(new ProcessCore(facts), facts.pid, facts.start ?? Number.NaN)
  }

  get parentPid() {
    const core = processOf(this)
    if (!core.closed) core.parent = native.processParent(core.id) ?? core.parent
    return core.parent
  }

  get alive() {
    const core = processOf(this)
    core.check()
    return native.processAlive(core.id)
  }

  /** @param {import('../../index.js').SignalName} signal @param {{ value?: number }} [options] */
  send(signal, options) {
    const core = processOf(this)
    const number = numberOf(signal, 'signal', 0)
    const { value } = objectOf(options)
    const given = value === undefined ? undefined : integer('options.value', value, -0x80000000, 0x7fffffff)
    core.check()
    native.processSend(core.id, number, given)
  }

  /** @param {WaitOptions} [options] @returns {Promise<ExitStatus | null>} */
  exited(options) {
    try {
      const core = processOf(this)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.ending.submit(new Exit(core), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {{ timeout?: number }} [options] @returns {ExitStatus | null} */
  exitedSync(options) {
    const core = processOf(this)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    return blockUntil(
      () => core.look(),
      (milliseconds) => native.processBlock(core.id, milliseconds),
      timeout,
    )
  }

  [SOURCE]() {
    const core = processOf(this)
    core.check()
    return { core, direction: core.ending, operation: new Exit(core), ends: () => true }
  }

  dup() {
    const core = processOf(this)
    core.check()
    const facts = native.processDuplicate(core.id)
    const { pid, startTime } = /** @type {Constants} */ (/** @type {unknown} */ (this))
    const copy = new ProcessCore({ ...facts, parent: core.parent })
    return /** @type {this} */ (new ProcessHandle(copy, pid, startTime.getTime()))
  }
}

/**
 * A process by its descriptor.
 * @param {number} fd
 * @param {{ pid?: number, parentPid?: number, startTime?: number | null }} [known] of a process that has been reaped nothing else
 *   is to be found out
 */
export function adopt(fd, { pid, parentPid, startTime } = {}) {
  const number = descriptor('fd', fd)
  if (isOwned(number)) throw invalidValue('fd', number, 'belongs to an open handle of os-ipc already')
  const facts = native.processAdopt(number, pid)
  const reaped = facts.parent === 0 && facts.start === undefined
  const core = new ProcessCore(reaped ? { ...facts, parent: parentPid ?? 0 } : facts)
  return new ProcessHandle(core, facts.pid, facts.start ?? startTime ?? Number.NaN)
}

/** What another process says of one. @param {unknown} pid */
function wholeOf(pid) {
  return typeof pid === 'number' && pid === (pid & 0x7fffffff) ? pid : undefined
}

/** How it goes to another process. */
export const handover = {
  /** @param {ProcessHandle} handle */
  describe(handle) {
    const { pid, startTime, fd } = /** @type {Constants & { fd: number }} */ (/** @type {unknown} */ (handle))
    const start = startTime.getTime()
    return { fds: [fd], meta: { pid, parentPid: handle.parentPid, startTime: Number.isNaN(start) ? null : start } }
  },
  /** @param {{ fds: number[], meta: Record<string, any> }} parcel */
  rebuild({ fds, meta: { pid, parentPid, startTime } }) {
    const known = {
      pid: wholeOf(pid),
      parentPid: wholeOf(parentPid),
      startTime: typeof startTime === 'number' ? startTime : null,
    }
    return adopt(fds[0], known)
  },
}
