import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { descriptors, threadCounts } from './harness/proc.js'
import { quantile } from './harness/time.js'

/** Waiter threads that the opens before may have left idle. */
const WAITERS = 8
/** Milliseconds. */
const LIMIT = 50

export default {
  id: 'G15',
  campaign: 'limits',
  promise:
    'a thousand waits on a thousand handles (or as many as there can be) take no thread of the runtime and hold up neither files nor timers',
  launch: { env: { UV_THREADPOOL_SIZE: '1' } },
  alone: true,
  fits: (kind) => !kind.once,

  async run(kind, context) {
    const path = new URL(import.meta.url)
    const idle = quantile(await reading(path, 50), 0.99)
    const threads = threadCounts()
    const many = kind.most ?? 1000
    const all = []
    for (let i = 0; i < many; i++) all.push(await kind.open(context))
    const waits = all.map(({ receiver }) => kind.receives.recv(receiver, {}))
    if (kind.descriptors !== false) assert.ok(descriptors() > many)

    const p99s = []
    const held = () => quantile(p99s, 0.5) >= LIMIT
    // Waits that hold files up hold them all up; a busy machine does it for a while.
    while (context.goesOn() || p99s.length < 5 || (held() && p99s.length < 25)) {
      p99s.push(quantile(await reading(path, 50), 0.99))
      // A few come and wait again, meanwhile.
      for (let i = 0; i < 10; i++) {
        const place = context.random.integer(0, many - 1)
        await kind.send(all[place].sender, kind.encode(place))
        assert.deepEqual(await waits[place], [place])
        waits[place] = kind.receives.recv(all[place].receiver, {})
      }
      context.round()
    }
    const p99 = quantile(p99s, 0.5)
    assert.ok(p99 < LIMIT, `p99 of fs.readFile is ${p99} ms, idle ${idle} ms`)
    const more = threadCounts()
    assert.ok(more.others <= threads.others + 4, `${more.others - threads.others} threads more`)
    // What has no descriptor needs a thread of our own for each.
    assert.ok(
      more.waiters <= WAITERS + ((kind.threads ?? kind.descriptors === false) ? many : 0),
      `${more.waiters} waiter threads`,
    )

    for (const ends of all) ends.close()
    for (const { reason } of await Promise.allSettled(waits)) assert.equal(reason.code, 'ERR_IPC_CLOSED')
    return {
      waiting: many,
      readFileP99Ms: p99.toFixed(2),
      idleP99Ms: idle.toFixed(2),
      threads: more.others + more.waiters,
    }
  },
}

/** How long each of some reads of a small file takes. */
async function reading(path, count) {
  const times = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await readFile(path)
    times.push(performance.now() - start)
  }
  return times
}
