import { select } from '../../index.js'
import { aborts } from './g04-abort-races.js'
import { timeouts } from './g05-timeout-races.js'
import { decode } from './harness/numbers.js'
import { raceReceives } from './harness/races.js'

/** Messages that come with others besides. */
const numbersOf = (message) =>
  message === null ? null : decode(message instanceof Uint8Array ? message : message.data)

export default {
  id: 'G4',
  campaign: 'cancel',
  looks: ['channel', 'sysv-queue'],
  promise: 'a select that is aborted or timed out takes nothing, and of two sources that it waits on it takes from one',
  fits: (kind) => kind.fill !== undefined && kind.name !== 'shared-memory',

  async run(kind, context) {
    // Both are the one who receives: what the other one of them has begun is to be withdrawn.
    const selecting = async (receiver, options) => {
      const [, message] = await select({ here: receiver, there: receiver }, options)
      return numbersOf(message)
    }
    const both = { ...kind, receives: { recv: kind.receives.recv, select: selecting, again: selecting } }
    return context.shareOut([aborts, timeouts], (ending) => raceReceives(both, context, ending))
  },
}
