/** A channel's side in a process of its own, whose other side is an enemy in another one (see the fixtures). */
import assert from 'node:assert/strict'
import { Channel } from '../../index.js'
import { fixture, start } from './child.js'

/** Bytes, above what any run has taken: the limit of a message, several times. */
const MOST = 1 << 30

/** What the enemy can make of a channel; and what calls of the victim's own come to. */
const theirs = ['ERR_IPC_CORRUPT', 'EPIPE', 'ERR_IPC_PEER_DIED', 'ERR_IPC_EXCLUSIVE', 'ERR_IPC_FDS_LOST']
const own = ['none', 'ETIMEDOUT', 'EMSGSIZE', 'ERR_IPC_LIMIT', 'ERR_IPC_NOT_SUPPORTED', 'ERR_INVALID_STATE']

/**
 * Has them meet, and looks at what became of the victim.
 * @param {number} seconds
 * @param {number} seed
 * @param {Record<string, string>} [env] the victim's
 */
export async function meetEnemy(seconds, seed, env) {
  const [near, far] = Channel.pair()
  const patience = 30_000 + Math.ceil(seconds * 1000)
  const enemy = start(fixture('channel-hostile.js'), [seed], { handles: [far], patience })
  const victim = start(fixture('channel-victim.js'), [seconds, seed], { handles: [near], env, patience })
  const { code, signal, stdout, stderr } = await victim.outcome
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, `seed ${seed}`)
  await enemy.succeeded()
  /** @type {{ codes: Record<string, number>, first: Record<string, string>, calls: number, longest: number, peak: number }} */
  const { codes, first, calls, longest, peak } = JSON.parse(stdout)
  const others = Object.keys(codes).filter((name) => !own.includes(name) && !theirs.includes(name))
  const where = others.map((name) => first[name])
  assert.deepEqual(where, [], `seed ${seed}: ${JSON.stringify(codes)}`)
  assert.ok(codes.ERR_IPC_CORRUPT > 0 && calls > 0, stdout)
  assert.ok(longest < 5_000, `seed ${seed}: a call took ${longest} ms`)
  assert.ok(peak < MOST, `seed ${seed}: ${peak} bytes`)
  return { calls, corrupt: codes.ERR_IPC_CORRUPT, slowestMs: Math.ceil(longest), peakBytes: peak }
}
