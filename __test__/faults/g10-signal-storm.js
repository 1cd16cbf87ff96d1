import assert from 'node:assert/strict'
import { receiveAll, Tally } from './harness/numbers.js'
import { spin } from './harness/time.js'

const TIMEOUT = 200

export default {
  id: 'G10',
  campaign: 'cancel',
  fits: (kind) => !kind.once,
  promise: 'a storm of signals is invisible: nothing fails, is lost or comes twice, no timeout grows',
  short: 1000,

  roles: {
    /** Sends signals to another process, one every 100 microseconds, until it is told to stop. */
    async storm(_kind, context) {
      let stopped = false
      context.heard().then(() => {
        stopped = true
      })
      let count = 0
      while (!stopped) {
        for (let i = 0; i < 20; i++) {
          process.kill(context.data, 'SIGUSR2')
          count++
          spin(0.1)
        }
        await new Promise(setImmediate)
      }
      return count
    },
  },

  async run(kind, context) {
    let handled = 0
    process.on('SIGUSR2', () => handled++)
    const storm = context.start('storm', process.pid)
    while (handled === 0) await new Promise(setImmediate)

    const figures = await context.shareOut([messages, timeouts], (part) => part(kind, context))
    storm.say('stop')
    const signals = await storm.done()
    assert.ok(handled > 100, `${handled} signals are no storm`)
    return { ...figures, signals }
  },
}

/** Messages in both directions, awaited and blocking. */
async function messages(kind, context) {
  const from = await context.meet('sender', 'sendNumbers', { pause: 0.1, batch: 8 })
  const to = await context.meet('receiver', 'receiveNumbers', { pause: 0.1 })
  const ways = Object.values(kind.receives)
  const [tally, sent] = [new Tally(), new Tally()]
  // Who blocks waits for another process.
  const blocking = kind.offer !== undefined
  let next = 0
  while (context.goesOn()) {
    const numbers =
      blocking && context.random.chance(0.3)
        ? kind.recvSync(from.near, { timeout: 10_000 })
        : await context.random.pick(ways)(from.near, {})
    tally.add(numbers)
    assert.equal(tally.last + 1, tally.count, 'a message is lost')
    const count = kind.batches ? context.random.integer(1, 64) : 1
    if (blocking && context.random.chance(0.3)) kind.sendSync(to.near, kind.encode(next, count), { timeout: 10_000 })
    else await kind.send(to.near, kind.encode(next, count))
    for (let i = 0; i < count; i++) sent.add([next++])
    context.round()
  }
  from.peer.say('stop')
  await receiveAll(kind, from.near, tally, () => from.peer.done())
  assert.equal(tally.count, await from.peer.done())
  if (kind.ends === false) to.peer.say(sent.count)
  else to.near.close()
  assert.deepEqual(await to.peer.done(), sent.toJSON())
  return { messages: tally.count + sent.count }
}

/** A wait that each signal began anew would not end at all: the shortest of some tells. */
async function timeouts(kind, context) {
  const ends = await kind.open(context)
  const times = { promise: [], sync: [] }
  const exceeds = (list) => !(Math.min(...list) < TIMEOUT * 1.1)
  // On a busy machine most may take longer.
  const again = () => times.sync.length < 20 && (exceeds(times.promise) || exceeds(times.sync))
  while (context.goesOn() || again()) {
    let start = performance.now()
    await assert.rejects(kind.receives.recv(ends.receiver, { timeout: TIMEOUT }), { code: 'ETIMEDOUT' })
    times.promise.push(performance.now() - start)
    start = performance.now()
    assert.throws(() => kind.recvSync(ends.receiver, { timeout: TIMEOUT }), { code: 'ETIMEDOUT' })
    times.sync.push(performance.now() - start)
    context.round()
  }
  ends.close()
  for (const [form, list] of Object.entries(times)) {
    const shortest = Math.min(...list)
    assert.ok(shortest >= TIMEOUT, `${form}: ${shortest} ms are less than ${TIMEOUT}`)
    assert.ok(!exceeds(list), `${form}: ${shortest} ms for a timeout of ${TIMEOUT}`)
  }
  const late = Math.max(...Object.values(times).map((list) => Math.min(...list) / TIMEOUT - 1))
  return {
    [`timeouts of ${TIMEOUT} ms`]: times.promise.length + times.sync.length,
    percentByWhichTheQuickestWasLateAtMost: Math.ceil(100 * late),
  }
}
