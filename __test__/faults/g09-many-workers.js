import assert from 'node:assert/strict'
import { within } from './harness/time.js'

export default {
  id: 'G9',
  campaign: 'leak',
  promise: 'many workers use the package at once and end in any order, the first one first; the others go on',
  short: 800,

  roles: {
    /** Sends to itself until it is ended, or for a while. */
    async use(kind, context) {
      let ends = await kind.open(context)
      const { rounds, how } = context.data
      context.tell('begun')
      for (let i = 0; i < rounds; i++) {
        ends = await fresh(kind, context, ends)
        const waits = kind.receives.recv(ends.receiver, {})
        await kind.send(ends.sender, kind.encode(i))
        assert.deepEqual(await waits, [i])
        await new Promise(setImmediate)
      }
      if (how === 'open') return
      if (how === 'exit') process.exit(0)
      ends.close()
    },
  },

  async run(kind, context) {
    const { random } = context
    const figures = { workers: 0, terminated: 0 }
    const many = context.long ? 16 : 6
    let ends
    while (context.goesOn()) {
      const workers = []
      for (let i = 0; i < many; i++) {
        const how = random.pick(['close', 'open', 'exit', 'terminate'])
        workers.push({
          how,
          worker: context.worker('use', { how, rounds: how === 'terminate' ? 1e9 : random.integer(1, 200) }),
        })
      }
      // The first environment that loads the addon is a worker's.
      await Promise.all(workers.map(({ worker }) => worker.told()))
      ends ??= await kind.open(context)
      for (const { how, worker } of random.shuffle(workers)) {
        if (how === 'terminate') {
          await worker.terminate()
          figures.terminated++
        } else {
          await within(20_000, `the end of a worker by ${how}`, worker.done())
        }
        ends = await fresh(kind, context, ends)
        const waits = kind.receives.recv(ends.receiver, {})
        await kind.send(ends.sender, kind.encode(5))
        assert.deepEqual(await waits, [5])
      }
      figures.workers += many
      context.round()
    }
    ends.close()
    return figures
  },
}

/** Ends that can be used again: others, where they are good for one message. */
async function fresh(kind, context, ends) {
  if (!kind.once) return ends
  ends.close()
  return kind.open(context)
}
