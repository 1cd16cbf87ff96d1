import assert from 'node:assert/strict'
import { turnFor, within } from './harness/time.js'

/** Waits at once, in the worker: so many may have settled when it is ended, and nobody has heard of it. */
const MOST = 2
const PATIENCE = 10_000

export default {
  id: 'G8',
  campaign: 'cancel',
  looks: ['pipe', 'sysv-semaphore'],
  promise:
    'a worker is ended while what it waits for comes: it takes with it what had come to it, and all else comes to whoever is left, in order',
  fits: (kind) => kind.inWorker !== undefined,
  short: 1000,

  roles: {
    /** Receives for ever, and counts what it has heard of. */
    async receiveForEver(kind, context) {
      const near = await kind.join(context.data.parcel, 'receiver')
      const counts = new Int32Array(context.data.counts)
      const ways = Object.values(kind.receives)
      context.tell('begun')
      const one = async () => {
        for (;;) Atomics.add(counts, 0, (await context.random.pick(ways)(near, {})).length)
      }
      await Promise.all(Array.from({ length: MOST }, one))
    },
  },

  async run(kind, context) {
    const { random } = context
    const figures = { races: 0, messages: 0, goneWithTheWorker: 0 }
    const ends = await kind.open(context)
    let given = 0
    while (context.goesOn()) {
      const counts = new SharedArrayBuffer(4)
      const first = given
      const worker = context.worker('receiveForEver', { parcel: kind.inWorker(ends), counts })
      assert.equal(await worker.told(), 'begun')
      let over = false
      const giving = (async () => {
        while (!over) {
          if (kind.trySend(ends.sender, kind.encode(given))) given++
          if (random.chance(0.3)) await turnFor(random.float() * 0.2)
        }
      })()
      await turnFor(random.float() * 8)
      await within(PATIENCE, 'the end of the worker', worker.terminate())
      await turnFor(random.float())
      over = true
      await giving
      const heard = new Int32Array(counts)[0]
      let [left, last] = [0, -1]
      for (let numbers = kind.tryRecv(ends.receiver); numbers !== undefined; numbers = kind.tryRecv(ends.receiver)) {
        for (const number of numbers) {
          if (!kind.unordered) assert.ok(number > last && number >= first + heard, `${number} out of order, or twice`)
          last = number
          left++
        }
      }
      const gone = given - first - heard - left
      assert.ok(gone >= 0 && gone <= MOST, `${gone} are gone of ${given - first}: ${heard} were heard of, ${left} left`)
      figures.races += MOST
      figures.messages += given - first
      figures.goneWithTheWorker += gone
      context.round()
    }
    ends.close()
    return figures
  },
}
