import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Fifo } from '../../index.js'
import { threadCounts } from './harness/proc.js'
import { soon } from './harness/races.js'
import { quantile, until } from './harness/time.js'

const MANY = 100
/** Milliseconds. */
const LIMIT = 50

export default {
  id: 'P8',
  campaign: 'cancel',
  promise: 'opening with nobody at the other side holds up neither the loop nor files, and can be given up exactly',
  fits: (kind) => kind.named,
  launch: { env: { UV_THREADPOOL_SIZE: '1' } },
  alone: true,
  short: 1200,

  run: (kind, context) => context.shareOut([waiting, races, limit], (part) => part(kind, context)),
}

/** A hundred opens wait, and everything else goes on. */
async function waiting(_kind, context) {
  const controller = new AbortController()
  const { signal } = controller
  const opens = Array.from({ length: MANY }, (_, i) => {
    const fifo = Fifo.create(context.path())
    return { fifo, opening: i % 2 ? fifo.openReader({ signal }) : fifo.openWriter({ signal }) }
  })
  const settled = Promise.allSettled(opens.map(({ opening }) => opening))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const times = []
  while (context.goesOn()) {
    const start = performance.now()
    await readFile(new URL(import.meta.url))
    times.push(performance.now() - start)
    context.round()
  }
  delay.disable()
  const reason = new Error('enough')
  controller.abort(reason)
  for (const outcome of await settled) assert.equal(outcome.reason, reason)
  // Opens that hold something up hold it up for good; a busy machine does it now and then.
  const p90 = quantile(times, 0.9)
  assert.ok(p90 < LIMIT, `p90 of fs.readFile is ${p90} ms`)
  const loop = delay.percentile(90) / 1e6
  assert.ok(loop < LIMIT, `p90 of the loop's delay is ${loop} ms`)
  return { waiting: MANY, readFileP90Ms: p90.toFixed(2), loopP90Ms: loop.toFixed(2) }
}

/** Given up at about the moment at which the other side comes: both are open or neither is. */
async function races(_kind, context) {
  const { random } = context
  const figures = { bothOpen: 0, givenUp: 0 }
  const path = context.path()
  const fifo = Fifo.create(path)
  while (context.goesOn()) {
    const controllers = [new AbortController(), new AbortController()]
    const [reader, writer] = controllers.map(async ({ signal }, i) => {
      // One of them comes later than the other, perhaps when that one has just given up.
      if (random.chance(0.5)) await new Promise((resolve) => soon(random, resolve))
      const options = random.chance(0.7) ? { signal } : { timeout: random.float() * 2 }
      return i === 0 ? fifo.openReader(options) : fifo.openWriter(options)
    })
    for (const controller of controllers) if (random.chance(0.8)) soon(random, () => controller.abort())
    // Whoever came first waits for somebody who has given up; both end, at the latest, with this.
    setTimeout(() => {
      for (const controller of controllers) controller.abort()
    }, 5)
    const [read, wrote] = await Promise.allSettled([reader, writer])
    for (const { reason } of [read, wrote]) {
      if (reason !== undefined) assert.ok(reason.name === 'AbortError' || reason.code === 'ETIMEDOUT', reason.stack)
    }
    if (read.value && wrote.value) {
      await wrote.value.send('x')
      assert.equal(String(await read.value.recv()), 'x')
      figures.bothOpen++
    } else {
      figures.givenUp++
    }
    read.value?.close()
    wrote.value?.close()
    context.round()
  }
  fifo.unlink()
  return figures
}

/** One thread each, up to a limit; then an error at once, and not a queue. */
async function limit(_kind, context) {
  const controller = new AbortController()
  const { signal } = controller
  const fifo = Fifo.create(context.path())
  await until('no wait is left', () => threadCounts().waiters >= 0)
  const opens = Array.from({ length: 1100 }, () => fifo.openReader({ signal }))
  const settled = Promise.allSettled(opens)
  await until('the threads are there', () => threadCounts().waiters >= 1000)
  const threads = threadCounts().waiters
  controller.abort()
  const codes = (await settled).map(({ reason }) => reason.code)
  const refused = codes.filter((code) => code === 'ERR_IPC_LIMIT').length
  assert.equal(refused, 1100 - 1024)
  assert.ok(threads <= 1024, `${threads} threads`)
  // And works again.
  const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
  reader.close()
  writer.close()
  context.round()
  return { threadsAtMost: threads, refused }
}
