/**
 * N1. The other faults of signals need no stress, and are proved by __test__/signals.spec.js:
 * - N2, merging: 'realtime signals queue, others merge', 'gets every realtime signal, in order, with its value';
 * - N3, the limit of what is pending: 'at the limit of pending signals';
 * - N4, realtime signals that nobody receives any more: 'is nothing after ignore, whatever is still coming', 'does not end a
 *   process that is ending, under a flood', 'refused';
 * - N5, several receivers: 'gets it whoever else receives it', 'in each of four workers gets all';
 * - N6, children: 'start with nothing held back and nothing ignored';
 * - N7, a full buffer: 'counts what is thrown away, and keeps the oldest', 'a receiver that is behind'.
 */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { signals } from '../../index.js'

/** So many in a campaign, or as many as there is time for. */
const MANY = 1_000_000
/** Sent in a row. */
const BATCH = 500

export default {
  id: 'N1',
  campaign: 'hostile',
  fits: (kind) => kind.name === 'signals',
  promise: 'realtime signals in the midst of collections and allocations: none is lost or out of order, nothing hangs',
  short: 1500,
  launch: { execArgv: ['--expose-gc'] },

  roles: {
    /** Sends numbers as values until it is told to stop; at the kernel's limit it sends again. */
    async flood(_kind, context) {
      let stopped = false
      context.heard().then(() => {
        stopped = true
      })
      const { pid, signal } = context.data
      let [next, refused] = [0, 0]
      while (!stopped && next < MANY) {
        for (let i = 0; i < BATCH; i++) {
          try {
            signals.send(pid, signal, { value: next })
            next++
          } catch (error) {
            assert.equal(error.code, 'EAGAIN')
            refused++
            break
          }
        }
        await turn()
      }
      return { sent: next, refused }
    },
  },

  async run(_kind, context) {
    const receivers = [signals.receive('SIGRTMIN+2'), signals.receive('SIGRTMIN+2')]
    const flood = context.start('flood', { pid: process.pid, signal: signals.min + 2 })
    const ended = flood.done()
    let told
    ended.then((sent) => {
      told = sent
    })
    let kept = []
    let [received, collections] = [0, 0]
    let isStopped = false
    while (told === undefined || received < told.sent) {
      for (let i = 0; i < BATCH && (told === undefined || received < told.sent); i++) {
        const infos = await Promise.all(receivers.map((receiver) => receiver.recv({ timeout: 10_000 }).catch(String)))
        for (const info of infos) {
          if (told === undefined && info.value === undefined) break
          assert.equal(info.value, received, String(info))
        }
        if (infos.every(({ value }) => value === received)) received++
        kept.push(new Array(100).fill(received), Buffer.alloc(1000))
      }
      if (kept.length > 20_000) kept = []
      if (context.random.chance(0.2)) {
        globalThis.gc?.()
        collections++
      }
      context.round()
      if (!context.goesOn() && !isStopped) {
        isStopped = true
        flood.say('stop')
      }
    }
    if (!isStopped) flood.say('stop')
    assert.equal(received, told.sent, 'one is lost')
    assert.deepEqual(
      receivers.map((receiver) => receiver.dropped),
      [0, 0],
    )
    signals.ignore('SIGRTMIN+2')
    for (const receiver of receivers) receiver.close()
    return { signals: received, refusedAtTheLimit: told.refused, collections }
  },
}
