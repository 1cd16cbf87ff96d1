/**
 * Receives and sends that are given up at about the moment at which they succeed. Whatever the moment: what was received
 * is what was sent, and what was sent is what was not given up.
 */
import assert from 'node:assert/strict'
import { inOrder, receiveAll, Tally } from './numbers.js'
import { spin, turnFor } from './time.js'

/** The longest pause of the other side, and the longest time after which a wait is given up. Milliseconds. */
const SOON = 0.2

/**
 * How waits are given up: `begin` gives the options of a wait; `gaveUp` says whether an error is that of the giving up.
 * @typedef {object} Ending
 * @property {(random: import('./random.js').Random) => { options: object, gaveUp: (error: any) => boolean }} begin
 */

/** Calls `action` at a moment of its own choice, from at once to a little later. @param {import('./random.js').Random} random */
export function soon(random, action) {
  const way = random.integer(0, 6)
  if (way === 0) action()
  else if (way === 1) queueMicrotask(action)
  else if (way === 2) process.nextTick(action)
  else if (way === 3) setImmediate(action)
  else if (way === 4) setTimeout(action, 1)
  // The message comes while this thread is busy, so that both are due in the same turn.
  else if (way === 5) setImmediate(() => action(spin(random.float() * SOON)))
  else turnFor(random.float() * SOON).then(action)
}

/**
 * @param {any} kind @param {import('./context.js').Context} context @param {Ending} ending
 */
export async function raceReceives(kind, context, ending) {
  const { near, peer } = await context.meet('sender', 'sendNumbers', { pause: SOON })
  const { random } = context
  const ways = Object.values(kind.receives)
  const tally = new Tally()
  const figures = { races: 0, messages: 0, givenUp: 0 }

  while (context.goesOn()) {
    // Several at once, for whoever stands behind one that gives up has to go on.
    const waits = Array.from({ length: kind.oneByOne ? 1 : random.integer(1, 4) }, async () => {
      const { options, gaveUp } = ending.begin(random)
      try {
        return await random.pick(ways)(near, options)
      } catch (error) {
        if (!gaveUp(error)) throw error
        figures.givenUp++
        return []
      }
    })
    const received = await Promise.all(waits)
    figures.races += waits.length
    assert.ok(!received.includes(null), 'an end before the end')
    tally.add(inOrder(kind, received.flat()))
    assert.equal(tally.last + 1, tally.count, 'a message is lost')
    context.round()
  }

  peer.say('stop')
  await receiveAll(kind, near, tally, () => peer.done())
  assert.equal(tally.count, await peer.done(), 'what was received is not what was sent')
  figures.messages = tally.count
  return figures
}

/** @param {any} kind @param {import('./context.js').Context} context @param {Ending} ending */
async function raceSends(kind, context, ending) {
  const { near, peer } = await context.meet('receiver', 'receiveNumbers', { pause: 2 * SOON })
  const { random } = context
  near.setCapacity?.(4096)
  const tally = new Tally()
  const figures = { races: 0, sent: 0, sendsGivenUp: 0 }
  let next = 0

  while (context.goesOn()) {
    const sends = Array.from({ length: random.integer(1, 4) }, async () => {
      const number = next
      // Whole or not at all: no more than what fits at once.
      const count = kind.batches ? random.integer(1, 64) : 1
      next += count
      const { options, gaveUp } = ending.begin(random)
      try {
        await kind.send(near, kind.encode(number, count), options)
        return Array.from({ length: count }, (_, i) => number + i)
      } catch (error) {
        if (!gaveUp(error)) throw error
        figures.sendsGivenUp++
        assert.equal(near.closed, false, 'closed, though nothing of it was sent')
        return []
      }
    })
    for (const numbers of await Promise.all(sends)) tally.add(numbers)
    figures.races += sends.length
    context.round()
  }

  if (kind.ends === false) peer.say(tally.count)
  else near.close()
  assert.deepEqual(await peer.done(), tally.toJSON(), 'what was received is not what was sent')
  figures.sent = tally.count
  return figures
}

/**
 * Waits for what happens once to a pair, given up at about the moment when it happens: each has one outcome, and who comes
 * later finds that it has happened.
 * @param {any} kind @param {import('./context.js').Context} context @param {Ending} ending
 */
async function raceOnce(kind, context, ending) {
  const { random } = context
  const ways = Object.values(kind.receives)
  const figures = { races: 0, succeeded: 0, givenUp: 0 }
  while (context.goesOn()) {
    const ends = await kind.open(context)
    const waits = Array.from({ length: random.integer(1, 4) }, async () => {
      const { options, gaveUp } = ending.begin(random)
      try {
        assert.deepEqual(await random.pick(ways)(ends.receiver, options), [1])
        figures.succeeded++
      } catch (error) {
        if (!gaveUp(error)) throw error
        figures.givenUp++
      }
    })
    soon(random, () => kind.send(ends.sender, kind.encode(1)))
    await Promise.all(waits)
    figures.races += waits.length
    assert.deepEqual(await random.pick(ways)(ends.receiver, { timeout: 10_000 }), [1])
    ends.close()
    context.round()
  }
  return figures
}

/**
 * The races that a class can run.
 * @param {any} kind
 */
export function racesOf(kind) {
  if (kind.once) return [raceOnce]
  return [raceReceives, ...(kind.fill ? [raceSends] : []), ...(kind.divides ? [raceParts] : [])]
}

/**
 * Large messages, of which a part has been sent when the rest is given up: the error tells how much, exactly, and
 * nothing follows.
 * @param {any} kind @param {import('./context.js').Context} context @param {Ending} ending
 */
async function raceParts(kind, context, ending) {
  const { random } = context
  const figures = { races: 0, parts: 0 }
  while (context.goesOn()) {
    const ends = await kind.open(context)
    let [sent, received] = [0, 0]
    let over = false
    const receiving = (async () => {
      for (;;) {
        const data = await ends.receiver.recv({ maxBytes: random.integer(1, 200_000) })
        if (data === null) return
        received += data.length
        if (!over && random.chance(0.5)) await turnFor(random.float() * SOON)
      }
    })()
    while (!ends.sender.closed && context.goesOn()) {
      const data = Buffer.alloc(random.integer(1, 300_000))
      const { options, gaveUp } = ending.begin(random)
      try {
        await kind.send(ends.sender, data, options)
        sent += data.length
      } catch (error) {
        if (!gaveUp(error)) throw error
        // Nothing is told of a send that was aborted before it began.
        const { bytesSent = 0 } = error
        assert.equal(ends.sender.closed, bytesSent > 0, 'closed if a part was sent, open if nothing was')
        assert.ok(bytesSent < data.length)
        sent += bytesSent
        if (bytesSent > 0) figures.parts++
      }
      figures.races++
      context.round()
    }
    over = true
    ends.sender.close()
    await receiving
    assert.equal(received, sent, 'bytes received, and bytes that sends have told of')
    ends.close()
  }
  return figures
}
