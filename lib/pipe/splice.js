/**
 * Moving bytes in the kernel: from a pipe to a pipe, a file or a socket, and back. See splice(2).
 */

import { invalidState, invalidType } from '../errors.js'
import { coreOf, Handle } from '../handle.js'
import native from '../load.js'
import { SocketCore } from '../unix-socket/core.js'
import { descriptor, integer, objectOf, waitOf } from '../validate.js'
import { runJob } from '../wait/job.js'
import { PipeCore } from './end.js'

/** @typedef {{ bytes?: number, timeout?: number, signal?: AbortSignal }} Options */

/**
 * One side: a pipe, or a stream socket, with the direction in which bytes go through it.
 * @typedef {{ core: PipeCore | SocketCore, direction: import('../wait/direction.js').Direction }} Side
 */

/** @param {PipeCore} source @param {unknown} target @param {Options} [options] */
export function spliceTo(source, target, options) {
  const { limit, wait } = optionsOf(options)
  if (!(target instanceof Handle)) {
    const fd = numberOf('target', target, true)
    return splice(sideOf(source), undefined, limit, wait, (reactor, token) =>
      native.spliceToNumber(reactor, token, source.id, fd, limit),
    )
  }
  const into = endOf('target', target, true)
  const { core } = into
  return splice(sideOf(source), into, limit, wait, (reactor, token) =>
    core instanceof SocketCore
      ? native.spliceToNumber(reactor, token, source.id, core.fd, limit)
      : native.splicePipes(reactor, token, source.id, core.id, limit),
  )
}

/** @param {unknown} source @param {PipeCore} target @param {Options} [options] */
export function spliceFrom(source, target, options) {
  const { limit, wait } = optionsOf(options)
  if (!(source instanceof Handle)) {
    const fd = numberOf('source', source, false)
    return splice(undefined, sideOf(target), limit, wait, (reactor, token) =>
      native.spliceFromNumber(reactor, token, fd, target.id, limit),
    )
  }
  const from = endOf('source', source, false)
  const { core } = from
  return splice(from, sideOf(target), limit, wait, (reactor, token) =>
    core instanceof SocketCore
      ? native.spliceFromNumber(reactor, token, core.fd, target.id, limit)
      : native.splicePipes(reactor, token, core.id, target.id, limit),
  )
}

/** @param {PipeCore} core @returns {Side} */
function sideOf(core) {
  return { core, direction: core.direction }
}

/** @param {Options | undefined} options */
function optionsOf(options) {
  const given = objectOf(options)
  const { bytes } = given
  return { limit: bytes === undefined ? undefined : integer('options.bytes', bytes), wait: waitOf(given) }
}

/** @param {boolean} isWriter */
function expectedOf(isWriter) {
  return `${isWriter ? 'a PipeWriter' : 'a PipeReader'}, a UnixSocket of the type 'stream' or a descriptor`
}

/** @param {string} name @param {unknown} value @param {boolean} isWriter */
function numberOf(name, value, isWriter) {
  if (typeof value !== 'number') throw invalidType(name, expectedOf(isWriter), value)
  return descriptor(name, value)
}

/** @param {string} name @param {Handle} handle @param {boolean} isWriter @returns {Side} */
function endOf(name, handle, isWriter) {
  const core = coreOf(handle)
  if (core instanceof SocketCore && core.isStream) {
    // What has been taken of it already would come too late.
    if (!isWriter && core.stash.length > 0) throw invalidState('The socket has something to tell first: receive it')
    return { core, direction: isWriter ? core.sending : core.receiving }
  }
  if (!(core instanceof PipeCore) || core.isWriter !== isWriter) throw invalidType(name, expectedOf(isWriter), handle)
  return sideOf(core)
}

/**
 * @param {Side | undefined} source
 * @param {Side | undefined} target
 * @param {number | undefined} limit
 * @param {import('../validate.js').Wait} wait
 * @param {(reactor: number, token: number) => void} begin
 */
async function splice(source, target, limit, wait, begin) {
  if (wait.signal?.aborted) throw wait.signal.reason
  source?.core.check()
  target?.core.check()
  if (limit === 0 || source?.core.ended) return 0
  const deadline = performance.now() + wait.timeout
  const left = () => ({ timeout: Math.max(0, deadline - performance.now()), signal: wait.signal })
  /** @type {Array<() => void>} */
  const holds = []
  try {
    // Always in this order, so that two of them cannot wait for each other.
    if (source !== undefined) holds.push(await source.direction.hold(left()))
    if (target !== undefined) holds.push(await target.direction.hold(left()))
    source?.core.check()
    target?.core.check()
    return await runJob(
      begin,
      left(),
      [source, target].flatMap((side) => side?.core ?? []),
    )
  } finally {
    for (const letGo of holds) letGo()
  }
}
