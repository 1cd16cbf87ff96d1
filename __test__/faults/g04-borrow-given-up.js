import { aborts } from './g04-abort-races.js'
import { timeouts } from './g05-timeout-races.js'
import { raceReceives } from './harness/races.js'

export default {
  id: 'G4',
  campaign: 'cancel',
  promise: 'a borrow that is given up takes nothing: whoever is next gets what it would have got, in order',
  fits: (kind) => kind.ring,

  async run(kind, context) {
    const borrow = async (receiver, options) => {
      const borrowed = await receiver.borrow(options)
      if (borrowed === null) return null
      const numbers = kind.decode(borrowed.bytes)
      borrowed.release()
      return numbers
    }
    // While one is borrowed nothing else is received.
    const borrowing = { ...kind, oneByOne: true, receives: { recv: kind.receives.recv, borrow, again: borrow } }
    return context.shareOut([aborts, timeouts], (ending) => raceReceives(borrowing, context, ending))
  },
}
