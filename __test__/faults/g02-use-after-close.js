import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { Fifo } from '../../index.js'
import { RECORD } from './harness/numbers.js'
import { turn } from './harness/time.js'

const FLAGS = constants.O_RDWR | constants.O_NONBLOCK

/** The number of a closed handle soon belongs to somebody else: here, to a pipe that tells when it has been touched. */
export default {
  id: 'G2',
  campaign: 'hostile',
  promise: 'use after close is ERR_IPC_CLOSED and never touches who has the number now',

  async run(kind, context) {
    const strangers = context.path()
    Fifo.create(strangers)
    const sent = Buffer.alloc(1)
    const figures = { calls: 0, numbersReused: 0 }
    let withNumbers = false
    while (context.goesOn()) {
      const ends = await kind.open(context)
      const calls = Object.entries(kind.calls(ends))
      const numbers = new Set([ends.sender.fd, ends.receiver.fd].filter((fd) => fd >= 0))
      if (numbers.size > 0) withNumbers = true
      // Some have been watched, and what waits on them is settled by the close.
      const waits = []
      if (context.random.chance(0.4)) {
        waits.push(kind.receives.recv(ends.receiver, {}))
      } else if (kind.fill && context.random.chance(0.5)) {
        kind.fill(ends.sender)
        waits.push(kind.send(ends.sender, kind.encode(0)))
      }
      for (const wait of waits) wait.catch(() => {})
      await turn()
      ends.close()

      const taken = []
      while ((numbers.size > 0 || taken.length === 0) && taken.length < 64) {
        const fd = openSync(strangers, FLAGS)
        taken.push(fd)
        if (numbers.delete(fd)) figures.numbersReused++
      }
      // Somebody else's byte, which is to stay, and the only one.
      sent[0] = context.random.integer(0, 255)
      writeSync(taken[0], sent)
      for (const [name, call] of context.random.shuffle(calls)) {
        await assert.rejects(async () => call(), { code: 'ERR_IPC_CLOSED' }, name)
        figures.calls++
      }
      for (const wait of waits) await assert.rejects(wait, { code: 'ERR_IPC_CLOSED' })
      // What becomes ready under the number wakes nobody who was watched by it.
      await turn()
      const got = Buffer.alloc(RECORD * 64)
      assert.equal(readSync(taken[0], got), 1, 'bytes in the stranger')
      assert.equal(got[0], sent[0])
      for (const fd of taken) closeSync(fd)
      context.round()
    }
    assert.ok(figures.numbersReused > 0 || !withNumbers, 'no number was reused, so nothing was shown')
    return figures
  },
}
