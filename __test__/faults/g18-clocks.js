import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const CALLS = [
  ...[
    'futex',
    'futex_wait',
    'clock_nanosleep',
    'timerfd_create',
    'timer_create',
    'semtimedop',
    'ppoll',
    'epoll_pwait2',
  ],
  ...['mq_timedsend', 'mq_timedreceive', 'rt_sigtimedwait'],
]
  // Not every strace knows all of them.
  .map((name) => `?${name}`)
  .join(',')

/** Waits until a time of the clock that people set. */
const ABSOLUTE = [
  /^futex\((?=[^)]*FUTEX_CLOCK_REALTIME)(?![^)]*NULL)[^)]*tv_sec/,
  /^futex_wait\([^)]*CLOCK_REALTIME[^)]*\)/,
  /^clock_nanosleep\(CLOCK_REALTIME, TIMER_ABSTIME/,
  /^timer(fd)?_create\(CLOCK_REALTIME/,
  // Their time is one of CLOCK_REALTIME by definition; one that lies in the past waits for nothing.
  /^mq_timed(send|receive)\((?!.*(NULL|tv_sec=-?\d,)).*= (?!-1 ETIMEDOUT)/,
]

export default {
  id: 'G18',
  campaign: 'limits',
  promise: 'no wait, with a timeout or without, depends on the clock that can be set',
  needs: ['strace'],
  short: 500,

  roles: {
    /** Times out in every way that there is. */
    async timeOut(kind, context) {
      while (context.goesOn()) {
        const ends = await kind.open(context)
        const code = { code: 'ETIMEDOUT' }
        for (const receive of Object.values(kind.receives)) {
          await assert.rejects(receive(ends.receiver, { timeout: 15 }), code)
        }
        if (kind.recvSync) assert.throws(() => kind.recvSync(ends.receiver, { timeout: 15 }), code)
        if (kind.fill) {
          kind.fill(ends.sender)
          await assert.rejects(kind.send(ends.sender, kind.encode(1), { timeout: 15 }), code)
          assert.throws(() => kind.sendSync(ends.sender, kind.encode(1), { timeout: 15 }), code)
        }
        await Promise.allSettled(kind.opens?.(context, { timeout: 15 }) ?? [])
        ends.close()
        context.round()
      }
      return context.rounds
    },
  },

  async run(kind, context) {
    const log = context.path()
    const prefix = ['strace', '-f', '-qq', '-o', log, '-e', `trace=${CALLS}`]
    const rounds = await context.start('timeOut', undefined, { prefix, stderr: 'pipe' }).done()
    const lines = readFileSync(log, 'latin1')
      .split('\n')
      .map((line) => line.replace(/^\d+\s+/, ''))
    assert.ok(lines.length > 20, 'nothing was traced')
    const wrong = lines.filter((line) => ABSOLUTE.some((pattern) => pattern.test(line)))
    assert.deepEqual(wrong, [])
    context.round(rounds)
    return { calls: lines.length }
  },
}
