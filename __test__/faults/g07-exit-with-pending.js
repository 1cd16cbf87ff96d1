import assert from 'node:assert/strict'
import { Tally } from './harness/numbers.js'
import { within } from './harness/time.js'

const MANY = 64
/** Milliseconds, and so many tries on a busy machine. */
const [AT_ONCE, MOST_EXITS] = [100, 12]

export default {
  id: 'G7',
  campaign: 'kill',
  promise:
    'exit and an uncaught exception with waits of every sort pending end at once, with their status, and lose nothing',

  roles: {
    /** Waits in every way there is, on an end that it shares with its parent too, where it can; then ends as it is told. */
    async leave(kind, context) {
      const ways = Object.values(kind.receives)
      const near = context.near ?? (await kind.open(context)).receiver
      for (let i = 0; i < MANY; i++) context.random.pick(ways)(near, {})
      await kind.wait(context)
      context.tell('waiting')
      const how = await context.heard()
      context.tell(Date.now())
      if (how === 'exit') process.exit(7)
      if (how === 'throw') setImmediate(() => assert.fail('on purpose'))
      if (how === 'reject') Promise.reject(new Error('on purpose'))
      if (how === 'signal') process.kill(process.pid, 'SIGTERM')
    },
  },

  async run(kind, context) {
    const ends = await kind.open(context)
    const endings = { exit: { code: 7 }, throw: { code: 1 }, reject: { code: 1 }, signal: { signal: 'SIGTERM' } }
    const exits = []
    const tally = new Tally()
    let next = 0
    // What is pending would hold up every exit; a busy machine holds up one or the other.
    const slow = () => Math.min(...exits) >= AT_ONCE && exits.length < MOST_EXITS
    while (context.goesOn() || slow()) {
      for (const how of context.random.shuffle(Object.keys(endings))) {
        const child = context.start('leave', undefined, {
          end: ends.share?.('receiver'),
          ends: endings[how],
          stderr: 'pipe',
        })
        assert.equal(await child.told(), 'waiting')
        // Others may have its stdout still, whom it has started.
        const gone = new Promise((resolve) => child.process.once('exit', () => resolve(Date.now())))
        child.say(how)
        const began = await child.told()
        exits.push((await within(5000, `the end by ${how}`, gone)) - began)
        await child.done()
        const sends = Array.from({ length: kind.once ? 0 : MANY }, () => kind.send(ends.sender, kind.encode(next++)))
        while (tally.count < next) tally.add(await kind.receives.recv(ends.receiver, { timeout: 5000 }))
        await Promise.all(sends)
        context.round()
        if (!context.goesOn() && !slow()) break
      }
    }
    ends.close()
    const [fastest, slowest] = [Math.min(...exits), Math.max(...exits)]
    assert.ok(
      fastest < (context.long ? AT_ONCE : 5 * AT_ONCE) && slowest < 2000,
      `exits took ${fastest} to ${slowest} ms`,
    )
    return { exits: exits.length, slowestExitMs: slowest, messages: tally.count }
  },
}
