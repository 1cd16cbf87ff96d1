import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Tally } from './harness/numbers.js'

/**
 * The calls that move bytes, tell of readiness or open. Never futex, at which the C library itself aborts; and not write
 * where there is tokio, which panics at what the kernel never says of its eventfd.
 */
const CALLS = [
  ...['preadv2', 'pwritev2', 'read', 'epoll_wait', 'epoll_pwait', 'poll', 'ppoll', 'splice', 'openat'],
  ...['sendmsg', 'recvmsg', 'sendmmsg', 'recvmmsg', 'accept4', 'mq_timedsend', 'mq_timedreceive'],
  ...['msgsnd', 'msgrcv', 'semop', 'semtimedop', 'fallocate'],
  ...(process.env.OS_IPC_REACTOR === 'tokio' ? [] : ['write']),
].join(',')

/** Messages: so many take some thousand calls. */
const ENOUGH = 400

export default {
  id: 'G10',
  campaign: 'cancel',
  promise: 'calls that the kernel interrupts before they have done anything are made again: nothing is lost or fails',
  needs: ['strace'],
  fits: (kind) => !kind.once,
  short: 800,

  roles: {
    /** Moves messages in every way, in a process whose calls are interrupted all the time. */
    async move(kind, context) {
      const tally = new Tally()
      let next = 0
      const ways = Object.values(kind.receives)
      // As many as it takes until calls are interrupted, however slow the machine is.
      while (context.goesOn() || next < ENOUGH) {
        const ends = await kind.open(context)
        for (let i = 0; i < 100; i++) {
          const sync = context.random.chance(0.3)
          const waits = sync ? undefined : context.random.pick(ways)(ends.receiver, { timeout: 10_000 })
          if (context.random.chance(0.3)) await new Promise(setImmediate)
          if (context.random.chance(0.5)) await kind.send(ends.sender, kind.encode(next++))
          else kind.sendSync(ends.sender, kind.encode(next++))
          tally.add(waits === undefined ? kind.recvSync(ends.receiver) : await waits)
          context.round()
        }
        ends.close()
      }
      assert.equal(tally.count, next)
      return tally.count
    },
  },

  async run(kind, context) {
    const log = context.path()
    const trace = ['strace', '-f', '-qq', '-o', log, '-e', `trace=${CALLS}`]
    // From the three hundredth call on, for what starts the runtime itself is not ours to test.
    const every = context.random.integer(2, 4)
    const prefix = [...trace, '-e', `inject=${CALLS}:error=EINTR:when=${300 + context.random.integer(0, 9)}+${every}`]
    const messages = await context.start('move', undefined, { prefix, stderr: 'pipe' }).done()
    context.round(messages)
    const interrupted = readFileSync(log, 'latin1').match(/EINTR .*\(INJECTED\)/g)?.length ?? 0
    assert.ok(interrupted > 20, `only ${interrupted} calls were interrupted`)
    return { messages, callsInterrupted: interrupted }
  },
}
