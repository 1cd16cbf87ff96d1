/**
 * Many calls in one frame. Their answers come together.
 */
import { Call } from './call.js'
import { refuseHandlesIn } from './handles.js'

/** @typedef {import('./client-core.js').ClientCore} ClientCore */

/**
 * @param {ClientCore} core
 * @param {Array<{ method: string, params: unknown }>} all
 * @param {import('../validate.js').Wait} wait
 */
export async function callMany(core, all, wait) {
  if (all.length === 0) return []
  const { link } = core
  const calls = all.map(() => new Call(core, core.calls.reserve()))
  try {
    const frames = all.map(({ method, params }, index) => {
      refuseHandlesIn(params)
      return link.notation.request(calls[index].id, method, params, undefined)
    })
    core.requestAll(calls, link.notation.batch(frames))
  } catch (error) {
    for (const { id } of calls) core.calls.release(id)
    throw error
  }
  for (const call of calls) if (core.calls.get(call.id) !== undefined) call.arm(wait)
  return Promise.allSettled(calls.map(({ answer }) => answer))
}
