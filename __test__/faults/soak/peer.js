/**
 * One of the eight processes of the soak. Half of them answer; the others ask, over whatever chance picks, and tell of
 * themselves every few seconds. `inherited('plan')` says which it is.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { writeSync } from 'node:fs'
import { Channel, Endpoint, inherited, rpc, SharedMemory } from '../../../index.js'
import { descriptors, resident, threads } from '../harness/proc.js'
import { Random } from '../harness/random.js'
import { pause, quantile } from '../harness/time.js'

const plan = JSON.parse(process.argv[2])
const random = new Random(plan.seed)
const tell = (value) => writeSync(1, `${JSON.stringify(value)}\n`)
const endpoint = Endpoint.open()

/** What goes to and fro, by transport: how it is sent and received at either side. `most` bytes in one message. */
const [near, far] = plan.asks ? ['there', 'here'] : ['here', 'there']
const lines = {
  channel: whole(inherited('channel'), 60_000),
  seqpacket: { ...whole(inherited('seqpacket'), 30_000), recv: async () => (await inherited('seqpacket').recv()).data },
  stream: bytes(inherited('stream'), inherited('stream')),
  pipe: bytes(inherited(`pipe-${near}`), inherited(`pipe-${far}`)),
  'posix queue': {
    most: 1000,
    send: (message) => inherited(`posix-${near}`).send(message),
    recv: async () => (await inherited(`posix-${far}`).recv()).data,
  },
  'sysv queue': {
    most: 1000,
    send: (message) => inherited('sysv').send(message, { type: plan.asks ? 2 : 1 }),
    recv: async () => (await inherited('sysv').recv({ type: plan.asks ? 1 : 2 })).data,
  },
  endpoint: {
    most: 30_000,
    send: (message) => endpoint.send(plan.other ?? other, message),
    recv: async () => (await endpoint.recv({ from: plan.other ?? other })).data,
  },
}
let other = 0

/** @param {any} handle @param {number} most */
function whole(handle, most) {
  return { most, send: (message) => handle.send(message), recv: () => handle.recv() }
}

/** Bytes: the length goes before each message. @param {any} writer @param {any} reader */
function bytes(writer, reader) {
  const exactly = async (length) => {
    const target = Buffer.alloc(length)
    for (let at = 0; at < length; ) {
      const count = await reader.recvInto(target.subarray(at))
      if (count === 0 || count === null) throw Object.assign(new Error('the end'), { code: 'END' })
      at += count
    }
    return target
  }
  return {
    most: 60_000,
    async send(message) {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(message.length)
      await writer.send(Buffer.concat([head, message]))
    },
    recv: async () => exactly((await exactly(4)).readUInt32LE()),
  }
}

/** Whoever has started this may know why: the other side has ended. @param {any} error */
function fail(error) {
  tell({ failed: error.stack })
  process.exit(1)
}

/** Whatever has come goes back, until the process is ended. */
function answer() {
  for (const { send, recv } of Object.values(lines)) {
    ;(async () => {
      for (;;) await send(await recv())
    })().catch(fail)
  }
  rpc.serve(inherited('calls'), { echo: (value) => value })
}

/** Each is one trial, in milliseconds. */
async function asking() {
  const client = await rpc.connect(inherited('calls'))
  const [mutex, semaphores, topic] = ['mutex', 'semaphores', 'topic'].map((name) => inherited(name))
  const subscription = await topic.subscribe()
  const echo = async ({ most, send, recv }) => {
    const message = Buffer.alloc(random.integer(1, random.chance(0.2) ? most : 200), random.integer(0, 255))
    const [answer] = await Promise.all([recv(), send(message)])
    assert.ok(message.equals(answer), 'an answer that is not what was sent')
  }
  return {
    ...Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, () => echo(line)])),
    async rpc() {
      const value = { number: random.integer(0, 1e9) }
      assert.deepEqual(await client.call('echo', value), value)
    },
    async mutex() {
      const guard = await mutex.lock()
      guard.unlock()
    },
    async semaphore() {
      const permits = semaphores.at(0, { undo: true })
      await permits.acquire()
      permits.release()
    },
    async topic() {
      await topic.publish(Buffer.from([plan.number]))
      for (;;) if ((await subscription.recv())[0] === plan.number) return
    },
    async 'opening and giving up'() {
      const memory = SharedMemory.create(4096)
      const [one, two] = Channel.pair({ capacity: 4096 })
      await assert.rejects(one.recv({ timeout: random.float() * 2 }), { code: 'ETIMEDOUT' })
      for (const handle of [memory, one, two]) handle.close()
    },
  }
}

async function ask() {
  const trials = await asking()
  const names = Object.keys(trials)
  /** @type {number[]} */
  let times = []
  let told = performance.now()
  for (let stopped = false; !stopped; ) {
    const name = random.pick(names)
    const start = performance.now()
    await trials[name]()
    // The pause of that one is its own doing.
    if (name !== 'opening and giving up') times.push(performance.now() - start)
    if (performance.now() - told > plan.every) {
      tell({ ...self(), trials: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) })
      times = []
      told = performance.now()
    }
    await pause(random.float() * 4)
    stopped = ended
  }
}

const self = () => ({ descriptors: descriptors(), threads: threads().length, resident: resident() })

let ended = false
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const line of text.trim().split('\n')) {
    if (line === 'end') ended = true
    else other = Number(line)
    if (line !== 'end') begin()
  }
})
process.stdin.on('end', () => process.exit(0))
tell({ pid: process.pid })

function begin() {
  if (!plan.asks) {
    answer()
    setInterval(() => tell(self()), plan.every).unref()
    return
  }
  ask().then(() => process.exit(0), fail)
}
