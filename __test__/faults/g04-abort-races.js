import { racesOf, soon } from './harness/races.js'

/** Aborts at about the moment of success. */
export const aborts = {
  begin(random) {
    const controller = new AbortController()
    // An error of its own, so that no other's is taken for it.
    const reason = Object.assign(new Error('called off'), { code: 'CALLED_OFF' })
    soon(random, () => controller.abort(reason))
    return { options: { signal: controller.signal }, gaveUp: (error) => error === reason }
  },
}

export default {
  id: 'G4',
  campaign: 'cancel',
  promise: 'an abort loses nothing and repeats nothing: received is sent, in order',

  async run(kind, context) {
    return context.shareOut(racesOf(kind), (race) => race(kind, context, aborts))
  },
}
