/**
 * Many calls in one frame. Their answers come together.
 */
import { Call } from './call.js'

/** @typedef {import('./client-core.js').ClientCore} ClientCore */

/**
 * @param {ClientCore} core
 * @param {Array<{ method: string, params: unknown }>} all
 * @param {import('../validate.js').Wait} wait
 */
export async function callMany(core, all, wait) {
  if (all.length === 0) return []
  const { link } = core
  const calls = all.map(() => new Call(core, core.nextId++))
  const frames = all.map(({ method, params }, index) =>
    link.notation.request(calls[index].id, method, params, undefined),
  )
  const answers = calls.map(({ answer }) => answer)
  core.requestAll(calls, link.notation.batch(frames))
  for (const call of calls) if (core.calls.has(call.id)) call.arm(wait)
  return Promise.allSettled(answers)
}
