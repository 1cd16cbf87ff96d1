/** Roles that processes at the other end play for several faults. Each has its end as `context.near`. */
import { receiveAll, Tally } from './harness/numbers.js'
import { turnFor } from './harness/time.js'

/**
 * Sends 0, 1, 2… with pauses of at most `pause` milliseconds now and then, until it is told to stop or has sent
 * `count`; gives how many.
 */
async function sendNumbers(kind, context) {
  const { pause = 0, count = Number.POSITIVE_INFINITY, batch = 1 } = context.data ?? {}
  let stopped = false
  if (count === Number.POSITIVE_INFINITY) {
    context.heard().then(() => {
      stopped = true
    })
  }
  let next = 0
  while (!stopped && next < count) {
    const many = Math.min(count - next, kind.batches ? context.random.integer(1, batch) : 1)
    await kind.send(context.near, kind.encode(next, many))
    next += many
    if (pause > 0 && context.random.chance(0.3)) await turnFor(context.random.float() * pause)
  }
  context.near.close()
  return next
}

/**
 * Receives to the end, with pauses of at most `pause` milliseconds now and then; gives the tally of the numbers. Of an end
 * that its class has not it is told: how many were sent.
 */
async function receiveNumbers(kind, context) {
  const { pause = 0 } = context.data ?? {}
  const tally = new Tally()
  if (kind.ends === false) {
    await receiveAll(kind, context.near, tally, () => context.heard())
    return tally
  }
  for (;;) {
    const numbers = await kind.receives.recv(context.near, {})
    if (numbers === null) return tally
    tally.add(numbers)
    if (pause > 0 && context.random.chance(0.2)) await turnFor(context.random.float() * pause)
  }
}

/** Does nothing, with its end open, until it is told something. */
async function holdOn(_kind, context) {
  context.tell('here')
  await context.heard()
  context.near?.close()
}

export const peers = { sendNumbers, receiveNumbers, holdOn }
