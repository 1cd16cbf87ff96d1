import assert from 'node:assert/strict'

/** Processes at once, and names of a round: where it has the time, in a campaign, and for a look. */
const WHOLE = { least: 30_000, processes: 100, names: 1000 }
const LONG = { processes: 16, names: 1000 }
const LOOK = { processes: 4, names: 40 }

export default {
  id: 'O1',
  campaign: 'limits',
  promise: 'of all processes that make the same name at once exactly one has made it, and the others are told so',
  fits: (kind) => kind.names !== undefined,
  looks: ['shared-memory', 'sysv-queue'],
  short: 500,

  roles: {
    /** Makes whatever it is told to, round by round, and holds it until all have tried. */
    async make({ names }, context) {
      for (let told = await context.heard(); told.places; told = await context.heard()) {
        const order = [...told.places.keys()]
        // In the same order whoever is first stays ahead; in another one each meets others all the time.
        if (told.shuffle) context.random.shuffle(order)
        const made = new Map()
        for (const i of order) {
          try {
            made.set(i, names.make(told.places[i]))
          } catch (error) {
            if (error.code !== (names.taken ?? 'EEXIST')) throw error
          }
        }
        context.tell([...made.keys()])
        await context.heard()
        for (const handle of made.values()) handle.close?.()
        context.tell('closed')
      }
    },
  },

  async run({ names }, context) {
    const { processes, names: most } = context.ms >= WHOLE.least ? WHOLE : context.long ? LONG : LOOK
    const makers = Array.from({ length: processes }, () => context.start('make'))
    const all = async (/** @type {any} */ word) => {
      for (const maker of makers) maker.say(word)
      return Promise.all(makers.map((maker) => maker.told()))
    }
    /** @type {any[]} */
    let places = []
    const drop = () => {
      for (const place of places.splice(0)) names.drop(place)
    }
    context.defer(drop)
    const figures = { racersMost: processes, names: 0, refused: 0 }
    while (context.goesOn()) {
      places = Array.from({ length: Math.min(most, names.most ?? most) }, () => names.place(context))
      const made = (await all({ places, shuffle: context.random.chance(0.7) })).flat().sort((a, b) => a - b)
      assert.deepEqual(made, [...places.keys()], 'not exactly one process has made each')
      figures.names += made.length
      figures.refused += (processes - 1) * made.length
      await all({})
      drop()
      context.round()
    }
    for (const maker of makers) maker.say({})
    for (const maker of makers) await maker.done()
    return figures
  },
}
