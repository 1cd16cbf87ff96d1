import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Topic } from '../../index.js'
import { Progress, progressOf } from './harness/progress.js'
import { dieAfter } from './harness/steps.js'
import { within } from './harness/time.js'

const WATCHED = ['--import', new URL('harness/watch-steps.js', import.meta.url).href]
/** Further than this no two steps differ: it has gone around the ring by then. */
const MOST_STEPS = 1_500
const PATIENCE = 10_000
const CAPACITY = 4096

/** Of several sizes, with its number in front. @param {number} number */
function message(number) {
  const bytes = Buffer.alloc(4 + (number % 300), number & 0xff)
  bytes.writeUInt32LE(number)
  return bytes
}

/** @param {Buffer} bytes */
function numberOf(bytes) {
  const number = bytes.readUInt32LE()
  assert.deepEqual(bytes, message(number), 'torn')
  return number
}

/** Publishers and subscribers of a topic, killed in the middle of what they do. */
export default {
  id: 'R1',
  campaign: 'kill',
  promise:
    'killed at any step of publishing, subscribing or receiving: nothing is torn or lost that was published, and nobody is held up',
  fits: (kind) => kind.name === 'topic',
  short: 1200,

  roles: {
    async publishes(_kind, context) {
      const { path, file, after } = context.data
      const topic = Topic.open(path)
      const published = new Progress(file)
      dieAfter(after)
      for (let number = 0; ; number++) {
        await topic.publish(message(number))
        published.add(number + 1)
      }
    },
    async subscribes(_kind, context) {
      const { path, after } = context.data
      const topic = Topic.open(path)
      dieAfter(after)
      const subscription = await topic.subscribe()
      context.tell('subscribed')
      for (;;) numberOf(await subscription.recv())
    },
  },

  async run(_kind, context) {
    const figures = { kills: 0, messages: 0 }
    const kinds = new Set()
    await context.shareOut([publishing, subscribing], async (part) => {
      while (context.goesOn()) {
        const { step, messages } = await part(context)
        kinds.add(step)
        figures.kills++
        figures.messages += messages
        context.round()
      }
    })
    return { ...figures, kindsOfSteps: String(kinds.size) }
  },
}

/** @param {any} context */
async function publishing(context) {
  const path = context.path()
  const file = context.path()
  writeFileSync(file, '')
  const topic = Topic.open(path, { capacity: CAPACITY, overflow: context.random.pick(['wait', 'drop-oldest']) })
  const subscription = await topic.subscribe()
  const after = context.random.integer(0, MOST_STEPS)
  const peer = context.start('publishes', { path, file, after }, { execArgv: WATCHED, ends: { signal: 'SIGKILL' } })
  let next = 0
  const receiving = (async () => {
    for await (const bytes of subscription) {
      const number = numberOf(bytes)
      if (number === LAST) return
      assert.ok(topic.overflow === 'wait' ? number === next : number >= next, `${number} in place of ${next}`)
      next = number + 1
    }
  })()
  receiving.catch(() => {})
  const { step } = await within(PATIENCE, 'the death', peer.told())
  await peer.done()
  await within(PATIENCE, `publishing after the death (${step})`, topic.publish(message(LAST)))
  await within(PATIENCE, `all that was published (${step})`, receiving)
  const settled = progressOf(file).at(-1) ?? 0
  assert.ok(next === settled || next === settled + 1, `${next} came, ${settled} were published (${step})`)
  topic.close()
  subscription.close()
  return { step, messages: next }
}

const LAST = 0xffff_ffff

/** @param {any} context */
async function subscribing(context) {
  const path = context.path()
  const topic = Topic.open(path, { capacity: CAPACITY, maxSubscribers: 2 })
  const own = await topic.subscribe()
  const after = context.random.integer(0, MOST_STEPS >> 2)
  const peer = context.start('subscribes', { path, after }, { execArgv: WATCHED, ends: { signal: 'SIGKILL' } })
  /** @type {any} */
  let told = await within(PATIENCE, 'the other subscriber', peer.told())
  const death = told.step !== undefined ? undefined : peer.told().then((next) => (told = next))
  death?.catch(() => {})
  let messages = 0
  while (told.step === undefined) {
    await within(PATIENCE, 'publishing to one who dies', topic.publish(message(messages)))
    assert.equal(numberOf(await own.recv({ timeout: PATIENCE })), messages++)
    if (messages % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await death
  await peer.done()
  const { step } = told
  // Its slot is free again.
  const next = await within(PATIENCE, `the next one to subscribe (${step})`, topic.subscribe())
  await within(PATIENCE, 'publishing after the death', topic.publish(message(messages)))
  assert.equal(numberOf(await next.recv({ timeout: PATIENCE })), messages)
  next.close()
  own.close()
  topic.close()
  return { step, messages }
}
