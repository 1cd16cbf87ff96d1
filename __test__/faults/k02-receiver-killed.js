import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { descriptors } from './harness/proc.js'
import { Progress, progressOf } from './harness/progress.js'
import { turnFor, until, within } from './harness/time.js'

export default {
  id: 'K2',
  campaign: 'kill',
  promise: 'a receiver killed at any moment takes with it what it had received; senders and other receivers go on',
  fits: (kind) => kind.stream,
  short: 800,

  roles: {
    /** Receives one number at a time for ever. */
    async receiveAndTell(kind, context) {
      const progress = new Progress(context.data)
      const ways = Object.values(kind.receives)
      for (;;) for (const number of await context.random.pick(ways)(context.near, {})) progress.add(number)
    },
  },

  run: (kind, context) =>
    context.shareOut(kind.another === undefined ? [alone] : [alone, shared], (part) => part(kind, context)),
}

/** The only receiver. */
async function alone(kind, context) {
  const figures = { kills: 0 }
  let before
  while (context.goesOn()) {
    const path = context.path()
    writeFileSync(path, '')
    const { near, peer } = await context.meet('receiver', 'receiveAndTell', path, { ends: { signal: 'SIGKILL' } })
    let [next, failed] = [0, 0]
    const sending = (async () => {
      while (failed === 0) {
        const sends = Array.from({ length: context.random.integer(1, 5) }, () => kind.send(near, kind.encode(next++)))
        for (const { reason } of await Promise.allSettled(sends)) {
          if (reason === undefined) {
            assert.equal(failed, 0, 'a send has succeeded after one that failed')
            continue
          }
          assert.ok((kind.gone ?? ['EPIPE']).includes(reason.code), reason.stack)
          failed++
        }
      }
    })()
    await turnFor(context.random.float() * 20)
    peer.kill('SIGKILL')
    await within(10_000, 'EPIPE after the kill', sending)
    await peer.done()
    for (const [i, number] of progressOf(path).entries()) assert.equal(number, i, 'received out of order')
    near.close()
    // The first one leaves what is made once for all.
    before ??= await until('its pipes are gone', () => peer.process.stdout.destroyed && descriptors())
    figures.kills++
    context.round()
  }
  await until('the descriptors are closed', () => descriptors() <= before)
  return figures
}

/** One of two: the other one, here, receives what the killed one has not. */
async function shared(kind, context) {
  const figures = { killsBesideAnother: 0, lostWithTheKilled: 0 }
  while (context.goesOn()) {
    const path = context.path()
    writeFileSync(path, '')
    const ends = await kind.open(context)
    const options = { end: ends.share('receiver'), ends: { signal: 'SIGKILL' } }
    const peer = context.start('receiveAndTell', path, options)
    const seen = new Set()
    const add = (number) => {
      assert.ok(!seen.has(number), `${number} has come twice`)
      seen.add(number)
    }
    let [next, last, over] = [0, -1, false]
    const sending = (async () => {
      while (!over) {
        await kind.send(ends.sender, kind.encode(next++))
        if (context.random.chance(0.2)) await turnFor(0)
      }
      ends.sender.close()
    })()
    const receiving = (async () => {
      for (;;) {
        const numbers = await kind.receives.recv(ends.receiver, {})
        if (numbers === null) return
        for (const number of numbers) {
          assert.ok(number > last, 'out of order')
          last = number
          add(number)
        }
        // The other one is to have its share.
        await turnFor(0)
      }
    })()
    await until('the other one receives', () => statSync(path).size > 0)
    await turnFor(context.random.float() * 20)
    peer.kill('SIGKILL')
    await peer.done()
    await turnFor(context.random.float() * 5)
    over = true
    await within(10_000, 'the end', Promise.all([sending, receiving]))
    progressOf(path).forEach(add)
    const lost = next - seen.size
    assert.ok(lost <= 1, `${lost} messages are lost with one kill`)
    figures.lostWithTheKilled += lost
    figures.killsBesideAnother++
    ends.close()
    context.round()
  }
  return figures
}
