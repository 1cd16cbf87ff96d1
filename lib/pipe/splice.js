/**
 * Moving bytes in the kernel: from a pipe to a pipe, a file or a socket, and back. See splice(2).
 */

import { invalidType } from '../errors.js'
import { coreOf, Handle } from '../handle.js'
import native from '../load.js'
import { descriptor, integer, objectOf, waitOf } from '../validate.js'
import { runJob } from '../wait/job.js'
import { PipeCore } from './end.js'

/** @typedef {{ bytes?: number, timeout?: number, signal?: AbortSignal }} Options */

/** @param {PipeCore} source @param {unknown} target @param {Options} [options] */
export function spliceTo(source, target, options) {
  const { limit, wait } = optionsOf(options)
  if (target instanceof Handle) {
    const into = endOf('target', target, true)
    return splice(source, into, limit, wait, (reactor, token) =>
      native.splicePipes(reactor, token, source.id, into.id, limit),
    )
  }
  const fd = numberOf('target', target, true)
  return splice(source, undefined, limit, wait, (reactor, token) =>
    native.spliceToNumber(reactor, token, source.id, fd, limit),
  )
}

/** @param {unknown} source @param {PipeCore} target @param {Options} [options] */
export function spliceFrom(source, target, options) {
  const { limit, wait } = optionsOf(options)
  if (source instanceof Handle) {
    const from = endOf('source', source, false)
    return splice(from, target, limit, wait, (reactor, token) =>
      native.splicePipes(reactor, token, from.id, target.id, limit),
    )
  }
  const fd = numberOf('source', source, false)
  return splice(undefined, target, limit, wait, (reactor, token) =>
    native.spliceFromNumber(reactor, token, fd, target.id, limit),
  )
}

/** @param {Options | undefined} options */
function optionsOf(options) {
  const given = objectOf(options)
  const { bytes } = given
  return { limit: bytes === undefined ? undefined : integer('options.bytes', bytes), wait: waitOf(given) }
}

/** @param {boolean} isWriter */
function expectedOf(isWriter) {
  return `${isWriter ? 'a PipeWriter' : 'a PipeReader'} or a descriptor`
}

/** @param {string} name @param {unknown} value @param {boolean} isWriter */
function numberOf(name, value, isWriter) {
  if (typeof value !== 'number') throw invalidType(name, expectedOf(isWriter), value)
  return descriptor(name, value)
}

/** @param {string} name @param {Handle} handle @param {boolean} isWriter @returns {PipeCore} */
function endOf(name, handle, isWriter) {
  const core = coreOf(handle)
  if (!(core instanceof PipeCore) || core.isWriter !== isWriter) throw invalidType(name, expectedOf(isWriter), handle)
  return core
}

/**
 * @param {PipeCore | undefined} source
 * @param {PipeCore | undefined} target
 * @param {number | undefined} limit
 * @param {import('../validate.js').Wait} wait
 * @param {(reactor: number, token: number) => void} begin
 */
async function splice(source, target, limit, wait, begin) {
  wait.signal?.throwIfAborted()
  source?.check()
  target?.check()
  if (limit === 0 || source?.ended) return 0
  const deadline = performance.now() + wait.timeout
  const left = () => ({ timeout: Math.max(0, deadline - performance.now()), signal: wait.signal })
  /** @type {Array<() => void>} */
  const holds = []
  try {
    // Always in this order, so that two of them cannot wait for each other.
    if (source !== undefined) holds.push(await source.direction.hold(left()))
    if (target !== undefined) holds.push(await target.direction.hold(left()))
    source?.check()
    target?.check()
    return await runJob(
      begin,
      left(),
      [source, target].filter((core) => core !== undefined),
    )
  } finally {
    for (const letGo of holds) letGo()
  }
}
