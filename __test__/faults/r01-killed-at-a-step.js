import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Channel } from '../../index.js'
import { Progress, progressOf } from './harness/progress.js'
import { dieAfter } from './harness/steps.js'
import { quantile, turnFor, within } from './harness/time.js'
import { sorts, Traffic } from './harness/traffic.js'

const WATCHED = ['--import', new URL('harness/watch-steps.js', import.meta.url).href]
/** Further than this no two steps differ. */
const MOST_STEPS = 3_000
/** A process dies while nothing is settled on its behalf any more: so long after that is a hang. */
const PATIENCE = 10_000

/** Killed in mid-write and in mid-read, of one channel or of several at once. */
export default {
  id: 'R1',
  campaign: 'kill',
  promise:
    'killed at any step of any send or receive, or at any moment: what was sent comes whole, then ERR_IPC_PEER_DIED, and nothing hangs',
  fits: (kind) => kind.ring,
  short: 1500,

  roles: {
    /** Sends and receives for ever. */
    async sendAndReceive(_kind, context) {
      const { files, sort, seed, after, sends, receives } = context.data
      const channel = context.near
      const [sent, received] = files.map((path) => new Progress(path))
      const [outwards, inwards] = [new Traffic(sort, seed), new Traffic(sort, seed + 1)]
      if (after !== undefined) dieAfter(after)
      const sending = async () => {
        for (;;) {
          sent.add((await outwards.send(channel)) + 1)
          if (context.random.chance(0.01)) await turnFor(context.random.float())
        }
      }
      const receiving = async () => {
        for (;;) {
          for (const number of await inwards.receive(channel, context.random)) received.add(number)
          if (context.random.chance(0.01)) await turnFor(context.random.float())
        }
      }
      await Promise.all([sends && sending(), receives && receiving()])
    },
  },

  async run(_kind, context) {
    const { random } = context
    const figures = { kills: 0, atSteps: 0, messages: 0, beyondSettled: 0 }
    const kinds = new Set()
    /** @type {number[]} */
    const notices = []
    while (context.goesOn()) {
      const sort = random.pick(Object.keys(sorts))
      const job = random.pick(['sends', 'receives', 'both'])
      const after = random.chance(0.6) ? Math.floor(random.float() ** 2 * MOST_STEPS) : undefined
      const outcome = await killOnce(context, { sort, job, after })
      figures.kills++
      figures.messages += outcome.messages
      figures.beyondSettled += outcome.beyond
      if (outcome.step !== undefined) {
        figures.atSteps++
        kinds.add(outcome.step)
      } else {
        notices.push(outcome.notice)
      }
      context.round()
    }
    return { ...figures, kindsOfSteps: String(kinds.size), ...noticeOf(notices) }
  },
}

/** @param {number[]} notices */
function noticeOf(notices) {
  if (notices.length === 0) return {}
  return { noticeP50Ms: quantile(notices, 0.5).toFixed(2), noticeP99Ms: quantile(notices, 0.99).toFixed(2) }
}

/** @param {any} context @param {{ sort: string, job: string, after: number | undefined }} how */
async function killOnce(context, { sort, job, after }) {
  const { random } = context
  const seed = random.seed() >>> 1
  const files = [context.path(), context.path()]
  for (const path of files) writeFileSync(path, '')
  const [near, far] = Channel.pair(sorts[sort])
  const sends = job !== 'receives'
  const receives = job !== 'sends'
  const data = { files, sort, seed, after, sends, receives }
  const peer = context.start('sendAndReceive', data, {
    end: { side: 'sender', fds: [far.fd] },
    execArgv: after === undefined ? [] : WATCHED,
    ends: { signal: 'SIGKILL' },
  })
  far.close()
  context.defer(() => near.close())
  let died = 0
  let next = 0
  const inwards = new Traffic(sort, seed)
  const outwards = new Traffic(sort, seed + 1)
  /** @param {any} error */
  const death = (error) => {
    if (error.code !== 'ERR_IPC_PEER_DIED') throw error
    died ||= performance.now()
  }
  const receiving = (async () => {
    for (;;) {
      const numbers = await inwards.receive(near, random)
      assert.notEqual(numbers, null, 'an end that was a death')
      for (const number of numbers ?? []) assert.equal(number, next++, 'lost, or out of order')
    }
  })().catch(death)
  const sending = (async () => {
    // As many as the ring holds, where nobody receives.
    for (;;) await outwards.send(near)
  })().catch(death)
  const all = Promise.all([receiving, sending])
  all.catch(() => {})
  let killed = 0
  if (after === undefined) {
    if (sends && random.chance(0.9)) while (next === 0) await Promise.race([all, turnFor(0)])
    await turnFor(random.float() * 20)
    peer.kill('SIGKILL')
    killed = performance.now()
  }
  const step = after === undefined ? undefined : await Promise.race([peer.told(), all.then(() => peer.told())])
  await within(PATIENCE, `the end after a death (${sort}, ${job}, ${step?.step ?? 'at some moment'})`, all)
  await peer.done()
  // Whoever asks again is told the same.
  await assert.rejects(near.recv(), { code: 'ERR_IPC_PEER_DIED' })
  await assert.rejects(near.send(outwards.codec === 'bytes' ? 'x' : {}), { code: 'ERR_IPC_PEER_DIED' })
  near.close()
  const settled = progressOf(files[0]).at(-1) ?? 0
  assert.ok(next >= settled, `${settled} were sent for certain, ${next} have come (${sort}, ${step?.step})`)
  for (const [i, number] of progressOf(files[1]).entries()) assert.equal(number, i, 'received out of order')
  return { messages: next, beyond: next - settled, step: step?.step, notice: died - killed }
}
