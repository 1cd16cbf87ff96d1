import assert from 'node:assert/strict'
import { cpuTime, sleeps } from './harness/proc.js'
import { pause, within } from './harness/time.js'

/** The part of one processor's time that a process may use while nothing happens. */
const SHARE = 0.001
/** Milliseconds; what the runtime itself may do in the background, once. */
const ONCE = 3

export default {
  id: 'G19',
  campaign: 'leak',
  promise: 'an idle handle keeps no process alive, one that is waited on does unless unref; waiting costs no time',
  short: 1800,

  roles: {
    /** Ends by itself. */
    async idle(kind, context) {
      const ends = await kind.open(context)
      const waits = kind.receives.recv(ends.receiver, {})
      await kind.send(ends.sender, kind.encode(1))
      await waits
    },

    /** Ends by itself too, though it waits in every way that a handle can. */
    async unref(kind, context) {
      const { pending, handles } = await kind.wait(context, { opening: false })
      for (const handle of handles) handle.unref()
      globalThis.held = handles
      return pending.length
    },

    async waiting(kind, context) {
      const ends = await kind.open(context)
      for (let i = 0; i < 16; i++) kind.receives.recv(ends.receiver, i % 2 ? {} : { timeout: 3_600_000 })
      // Forgotten, its sender would be collected and closed, and the waits would come to the end.
      globalThis.held = ends
      context.tell('waits')
    },
  },

  async run(kind, context) {
    const processes = ['waiting', 'waiting'].map((role) => context.start(role))
    for (const process of processes) assert.equal(await process.told(), 'waits')
    // What starting has left to do is done.
    await pause(500)
    const before = processes.map(({ pid }) => ({ cpu: cpuTime(pid), sleeps: sleeps(pid) }))
    const start = performance.now()

    for (const role of ['idle', 'unref']) {
      await within(20_000, `the end of a process: ${role}`, context.start(role, undefined, { stderr: 'pipe' }).done())
    }
    await pause(context.ms - (performance.now() - start))

    const elapsed = performance.now() - start
    const figures = { seconds: (elapsed / 1000).toFixed(1), cpuMs: 0, wakeUps: 0 }
    processes.forEach(({ pid, running }, i) => {
      assert.ok(running, 'a process with waits has ended')
      figures.cpuMs = Math.max(figures.cpuMs, cpuTime(pid) - before[i].cpu)
      figures.wakeUps = Math.max(figures.wakeUps, sleeps(pid) - before[i].sleeps)
    })
    figures.cpuMs = Number(figures.cpuMs.toFixed(2))
    assert.ok(figures.cpuMs < SHARE * elapsed + ONCE, `${figures.cpuMs} ms of ${elapsed} ms`)
    assert.ok(figures.wakeUps < 10 + elapsed / 100, `${figures.wakeUps} wake-ups`)
    for (const child of processes) {
      child.ends = { signal: 'SIGKILL' }
      child.kill('SIGKILL')
      await child.done()
    }
    context.round()
    return figures
  },
}
