/**
 * The server's side of a stream: what a handler gives one by one goes to the caller as far as that has room for it. To a caller
 * that has not asked for a stream, it goes together.
 */
import { setImmediate } from 'node:timers/promises'
import { extract, refuseHandles } from './handles.js'
import { ITEM } from './protocol.js'

/** @typedef {import('./running.js').Running} Running */

/** So many items go without a turn of the event loop between. */
const BURST = 64

/**
 * Whether a result is to be gone through: what gives its items over time always is, a list only for a caller that asked for a
 * stream.
 * @param {any} result
 * @param {boolean} streams
 */
export function isGiving(result, streams) {
  if (result === null || typeof result !== 'object') return false
  if (typeof result[Symbol.asyncIterator] === 'function') return true
  if (typeof result[Symbol.iterator] !== 'function') return false
  return streams || typeof result.next === 'function'
}

/** @param {Running} running @param {any} source */
export async function give(running, source) {
  const iterator = (source[Symbol.asyncIterator] ?? source[Symbol.iterator]).call(source)
  if (running.stream === undefined) return gather(running, iterator)
  let credit = running.stream
  let sent = 0
  /** @type {(() => void) | undefined} */
  let wake
  running.more = (count) => {
    credit += count
    wake?.()
  }
  /** @type {Promise<void>} */
  const stopped = new Promise((resolve) => {
    running.onStop(() => {
      wake?.()
      resolve()
    })
  })
  const leave = () => {
    // One that waits for its next item hears of this when it has come; nobody waits for it.
    Promise.resolve(iterator.return?.()).catch(() => {})
    throw running.stopped
  }
  for (;;) {
    while (credit === 0 && running.stopped === undefined) {
      await new Promise((resolve) => {
        wake = () => resolve(undefined)
      })
    }
    if (running.stopped !== undefined) leave()
    const next = await Promise.race([iterator.next(), stopped])
    if (running.stopped !== undefined || next === undefined) leave()
    const { done, value } = Object(next)
    if (done) return null
    credit--
    if (++sent % BURST === 0) await setImmediate()
    await send(running, await value, iterator)
  }
}

/** @param {Running} running @param {unknown} value @param {any} iterator */
async function send(running, value, iterator) {
  const { link } = running.connection
  /** @type {any[]} */
  const handles = []
  /** @type {unknown[]} */
  const places = []
  try {
    const item = extract(value, handles, places, link.sharesViews)
    if (!link.carriesHandles) refuseHandles(handles)
    const params = {
      id: running.id,
      item: item === undefined ? null : item,
      ...(handles.length > 0 && { handles: places }),
    }
    await link.post(link.notation.notification(ITEM, params, undefined), handles)
  } catch (error) {
    Promise.resolve(iterator.return?.()).catch(() => {})
    throw error
  }
}

/** @param {Running} running @param {any} iterator */
async function gather(running, iterator) {
  const all = []
  for (;;) {
    const { done, value } = await iterator.next()
    if (done) return all
    all.push(await value)
    if (running.stopped === undefined) continue
    await iterator.return?.()
    throw running.stopped
  }
}
