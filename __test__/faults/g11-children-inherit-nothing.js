import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { turn } from './harness/time.js'

const run = promisify(execFile)

/** What a child has open, itself excepted. */
async function inherited() {
  const { stdout } = await run('ls', ['-l', '/proc/self/fd'])
  const lines = stdout.split('\n').filter((line) => line.includes(' -> '))
  return lines.map((line) => line.split(' -> ')).filter(([, to]) => !/^\/proc\/\d+\/fd$/.test(to))
}

export default {
  id: 'G11',
  campaign: 'leak',
  promise:
    'a child started while handles are opened and closed in other threads has stdin, stdout and stderr, and nothing else',
  short: 800,

  roles: {
    /** Opens and closes, in every way and without a pause. */
    async churn(kind, context) {
      context.tell('begun')
      for (;;) {
        const ends = await kind.open(context)
        const waits = kind.receives.recv(ends.receiver, {})
        await kind.send(ends.sender, kind.encode(1))
        await waits
        if (context.random.chance(0.3)) kind.another?.(ends.receiver).close()
        if (!kind.once && context.random.chance(0.2)) await kind.send(ends.sender, kind.encode(1), { timeout: 0 })
        ends.close()
        if (context.random.chance(0.1)) await turn()
      }
    },

    /** Starts children until it is terminated. */
    async spawn(_kind, context) {
      const { allowed } = context.data
      for (;;) {
        const found = await inherited()
        context.tell(
          found.filter(([name]) => !allowed.includes(Number(name.split(' ').at(-1)))).map((pair) => pair.join(' -> ')),
        )
      }
    },
  },

  async run(_kind, context) {
    // What this process was itself given without CLOEXEC by whoever has started it is not ours.
    const allowed = (await inherited()).map(([name]) => Number(name.split(' ').at(-1)))
    assert.deepEqual(allowed.slice(0, 3), [0, 1, 2])
    const many = context.long ? 8 : 3
    const churners = Array.from({ length: context.long ? 4 : 2 }, () => context.worker('churn'))
    for (const worker of churners) await worker.told()
    const spawners = Array.from({ length: many }, () => context.worker('spawn', { allowed }))
    await Promise.all(
      spawners.map(async (worker) => {
        do {
          assert.deepEqual(await worker.told(), [], 'a child has inherited')
          context.round()
        } while (context.goesOn())
      }),
    )
    for (const worker of [...spawners, ...churners]) await worker.terminate()
    return { children: context.rounds }
  },
}
