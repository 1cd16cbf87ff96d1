import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { progressOf } from './harness/progress.js'
import { Small } from './harness/small.js'
import { quantile, turnFor, within } from './harness/time.js'

const PATIENCE = 10_000
/** So many die beside each other. */
const MANY = 4
/** The most records in a message of each class: those of a channel and of bytes go in pieces then. */
const MOST = { channel: 4000, pipe: 4000, packets: 64, 'unix-stream': 4000, 'unix-seqpacket': 64 }

/** Killed far oftener than a process of Node can be, and between any two instructions that touch what both have. */
export default {
  id: 'K5',
  campaign: 'kill',
  looks: ['channel', 'unix-stream'],
  promise:
    'either side is a small program, killed at any moment: all that it has sent for certain comes whole and in order, then its death or the end, and what it had received was in order',
  fits: (kind) => kind.name in MOST,
  small: true,
  short: 800,

  async run(kind, context) {
    const figures = { kills: 0, messages: 0, received: 0, beyondSettled: 0 }
    /** @type {number[]} */
    const notices = []
    const roles = kind.ring ? ['sends', 'receives', 'both'] : ['sends', 'receives']
    const one = async () => {
      while (context.goesOn()) {
        const outcome = await killOnce(kind, context, context.random.pick(roles))
        for (const name of ['messages', 'received', 'beyondSettled']) figures[name] += outcome[name]
        notices.push(outcome.notice)
        figures.kills++
        context.round()
      }
    }
    await Promise.all(Array.from({ length: MANY }, one))
    return {
      ...figures,
      noticeP50Ms: quantile(notices, 0.5).toFixed(2),
      noticeP99Ms: quantile(notices, 0.99).toFixed(2),
    }
  },
}

/** @param {any} kind @param {import('./harness/context.js').Context} context @param {string} role */
async function killOnce(kind, context, role) {
  const { random } = context
  const files = { sent: context.path(), received: context.path() }
  for (const path of Object.values(files)) writeFileSync(path, '')
  const offer = await kind.offer(context, role === 'receives' ? 'receiver' : 'sender')
  const most = String(MOST[kind.name])
  const words = {
    sends: [files.sent, most],
    receives: [files.received],
    // What never waits takes no message that goes in pieces.
    both: [files.received, files.sent, '100'],
  }[role]
  const [fd] = offer.fds
  const victim = kind.ring
    ? new Small(context, [`channel-${role}`, ...words], ['ignore', 'ignore', fd])
    : new Small(context, [role, ...words], role === 'sends' ? ['ignore', fd] : [fd])
  const near = await offer.meet()
  context.defer(() => near.close())

  let [next, sent, noticed] = [0, 0, 0]
  /** @param {any} error */
  const death = (error) => {
    if (!(kind.gone ?? ['EPIPE', 'ECONNRESET']).includes(error.code)) throw error
    noticed ||= performance.now()
  }
  const receiving = async () => {
    for (;;) {
      const numbers = await receive(kind, near, random)
      if (numbers === null) {
        assert.ok(!kind.ring, 'an end that was a death')
        noticed ||= performance.now()
        return
      }
      for (const number of numbers) assert.equal(number, next++, 'lost, or out of order')
    }
  }
  const sending = async () => {
    for (;;) {
      const count = kind.batches || kind.ring ? random.integer(1, random.chance(0.1) ? MOST[kind.name] : 32) : 1
      sent += count
      await kind.send(near, kind.encode(sent - count, count))
    }
  }
  const all = Promise.all([role !== 'receives' && receiving().catch(death), role !== 'sends' && sending().catch(death)])
  all.catch(() => {})
  // Most are killed after they have begun.
  if (random.chance(0.9)) {
    const begun = () => (role === 'receives' ? statSync(files.received).size : next) > 0
    const end = performance.now() + PATIENCE
    while (!begun()) {
      assert.ok(performance.now() < end, `a ${role} that has not begun`)
      await Promise.race([all, turnFor(0.2)])
    }
  }
  await turnFor(random.float() ** 2 * 5)
  const killed = performance.now()
  await victim.kill()
  await within(PATIENCE, `the end after a death (${role})`, all)
  near.close()
  const settled = progressOf(files.sent).at(-1) ?? 0
  assert.ok(next >= settled, `${settled} were sent for certain, ${next} have come`)
  const received = progressOf(files.received)
  for (const [i, number] of received.entries()) assert.equal(number, i, 'received out of order')
  assert.ok(received.length <= sent, 'more was received than was sent')
  return {
    messages: next,
    received: received.length,
    beyondSettled: Math.max(0, next - settled),
    notice: noticed - killed,
  }
}

/** Receives in a way that chance picks. @param {any} kind @param {any} near @param {any} random */
async function receive(kind, near, random) {
  if (!kind.ring) return random.pick(Object.values(kind.receives))(near, kind.much)
  const way = random.pick(['recv', 'recvMany', 'recvEnvelope', 'iterate', 'borrow'])
  if (way !== 'borrow') return kind.receives[way](near, {})
  const borrowed = await near.borrow()
  if (borrowed === null) return null
  const numbers = kind.decode(borrowed.bytes)
  borrowed.release()
  return numbers
}
