/** Readiness, under both drivers: who waits is told, once and in time, whatever else happens in the same turn. */
import { deepEqual } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixture, output } from './support/child.js'

/** What fixtures/reactor-scenarios.js plays, and what it tells if all is well. @type {Record<string, unknown>} */
const scenarios = {
  'thousands of handles wait at once, and each gets what is its own': { wrong: 0, descriptors: 'few' },
  'readiness against an abort in the same turn: exactly one outcome, nothing lost or doubled': { lost: 0, doubled: 0 },
  'readiness against a close in the same turn: closed, and what had come is still there': { wrong: 0 },
  'an event of a closed handle never reaches the next one with its number': { phantoms: 0 },
  'a handle closed by the continuation of another one that was ready with it': { wrong: 0 },
  'an end that arrives together with data loses neither': { wrong: 0 },
  'many readers of one pipe: each message once, an end for all': { messages: 800, ends: 8 },
  'many writers of one full pipe all get their turn': { bytes: 16 * 10_000 },
  'more receives than one turn serves go on in the next, with nothing else to wake the loop': { received: 1000 },
  'timers and other handles go on under a flood': { timers: 'on time', other: 'served' },
  'a handle that is always ready does not hold another one up': { served: true },
  'unread data that nobody waits for wakes nobody up': { idle: true },
  'a round trip between processes never stalls': { rounds: 5000 },
  'an exception in a continuation ends neither the reactor nor other waits': { caught: 'mine', other: 'served' },
  'a process that unrefs and refs while it waits ends when it may': { got: 'x' },
}

for (const reactor of ['uv', 'tokio']) {
  describe(`on ${reactor}`, () => {
    for (const [scenario, told] of Object.entries(scenarios)) {
      test(scenario, { timeout: 30_000 }, async () => {
        const env = { OS_IPC_REACTOR: reactor }
        deepEqual(JSON.parse(await output(fixture('reactor-scenarios.js'), [scenario], { env })), told)
      })
    }
  })
}
