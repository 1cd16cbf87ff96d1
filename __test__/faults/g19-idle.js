import assert from 'node:assert/strict'
import { cpuTime, sleeps } from './harness/proc.js'
import { pause, within } from './harness/time.js'

/** The part of one processor's time that waits may cost while nothing happens. */
const SHARE = 0.001
/** Milliseconds by which two processes of the runtime may differ anyway. */
const ONCE = 10

export default {
  id: 'G19',
  campaign: 'leak',
  promise: 'an idle handle keeps no process alive, one that is waited on does unless unref; waiting costs no time',
  short: 1200,

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

    /** Has all that the others have, but does not use it. */
    bare(_kind, context) {
      setInterval(() => {}, 3_600_000)
      context.tell('waits')
    },

    async waiting(kind, context) {
      const ends = await kind.open(context)
      for (let i = 0; i < 16; i++) kind.receives.recv(ends.receiver, i % 2 ? {} : { timeout: 3_600_000 })
      // Forgotten, its sender would be collected and closed, and the waits would come to the end.
      globalThis.held = ends
      context.tell('waits')
    },
  },

  async run(_kind, context) {
    const killed = { ends: { signal: 'SIGKILL' } }
    const [bare, waiting] = ['bare', 'waiting'].map((role) => context.start(role, undefined, killed))
    for (const child of [bare, waiting]) assert.equal(await child.told(), 'waits')
    // What starting has left to do is done.
    await pause(500)
    const before = [bare, waiting].map(({ pid }) => ({ cpu: cpuTime(pid), sleeps: sleeps(pid) }))
    const start = performance.now()

    for (const role of ['idle', 'unref']) {
      await within(20_000, `the end of a process: ${role}`, context.start(role, undefined, { stderr: 'pipe' }).done())
    }
    await pause(context.ms - (performance.now() - start))

    const elapsed = performance.now() - start
    const [runtime, ours] = [bare, waiting].map(({ pid, running }, i) => {
      assert.ok(running, 'a process with waits has ended')
      return { cpu: cpuTime(pid) - before[i].cpu, sleeps: sleeps(pid) - before[i].sleeps }
    })
    // Now and then the runtime collects garbage, or looks whether it should.
    assert.ok(
      ours.cpu < runtime.cpu + SHARE * elapsed + ONCE,
      `${ours.cpu} ms of ${elapsed}, the runtime ${runtime.cpu}`,
    )
    assert.ok(
      ours.sleeps < runtime.sleeps + 20 + elapsed / 100,
      `${ours.sleeps} wake-ups, the runtime ${runtime.sleeps}`,
    )
    for (const child of [bare, waiting]) {
      child.kill('SIGKILL')
      await child.done()
    }
    const figures = {
      seconds: (elapsed / 1000).toFixed(1),
      cpuMs: Math.round(ours.cpu),
      runtimesCpuMs: Math.round(runtime.cpu),
      wakeUps: ours.sleeps,
      // Beyond what the runtime takes by itself.
      idlePercent: Math.max(0, ((ours.cpu - runtime.cpu) / elapsed) * 100).toFixed(3),
    }
    context.round()
    return figures
  },
}
