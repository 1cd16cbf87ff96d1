import assert from 'node:assert/strict'
import { receiveAll, Tally } from './harness/numbers.js'
import { stateOf } from './harness/proc.js'
import { pause, until } from './harness/time.js'

export default {
  id: 'G10',
  campaign: 'cancel',
  fits: (kind) => kind.offer !== undefined && !kind.once,
  promise: 'a process that is stopped and goes on, at either end, loses nothing and is taken for dead by nobody',

  roles: {
    /** Stops another process and has it go on, until it is told to stop that. */
    async stopper(_kind, context) {
      let stopped = false
      context.heard().then(() => {
        stopped = true
      })
      let count = 0
      for (; !stopped; count++) {
        process.kill(context.data, 'SIGSTOP')
        await pause(context.random.integer(1, 15))
        process.kill(context.data, 'SIGCONT')
        await pause(context.random.integer(1, 15))
      }
      return count
    },
  },

  async run(kind, context) {
    const { near, peer } = await context.meet('sender', 'sendNumbers', { batch: 16, pause: 0.2 })
    const stopper = context.start('stopper', process.pid)
    const tally = new Tally()
    const ways = Object.values(kind.receives)
    let stops = 0
    while (context.goesOn()) {
      tally.add(await context.random.pick(ways)(near, {}))
      assert.equal(tally.last + 1, tally.count, 'a message is lost')
      if (context.random.chance(0.001)) {
        peer.kill('SIGSTOP')
        stops++
        await until('the other process stands still', () => stateOf(peer.pid) === 'T')
        // What it had sent is there; then nothing comes, and that is neither an end nor an error.
        for (let numbers = kind.tryRecv(near); numbers !== undefined; numbers = kind.tryRecv(near)) tally.add(numbers)
        await assert.rejects(kind.receives.recv(near, { timeout: 5 }), { code: 'ETIMEDOUT' })
        peer.kill('SIGCONT')
      }
      context.round()
    }
    stopper.say('stop')
    stops += await stopper.done()
    peer.say('stop')
    await receiveAll(kind, near, tally, () => peer.done())
    assert.equal(tally.count, await peer.done())
    return { messages: tally.count, stops }
  },
}
