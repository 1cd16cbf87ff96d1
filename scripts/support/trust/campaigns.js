/** What campaigns there are: those of the rows of faults, and a module in scripts/campaigns for each of the others. */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../run.js'

// With the tests, which no type checker looks at.
const HARNESS = new URL('../../../__test__/faults/harness/campaign.js', import.meta.url).href

/**
 * @typedef {object} Asked
 * @property {number} minutes
 * @property {number} [seed]
 * @property {string[]} rest arguments that are the campaign's own
 * @property {boolean} record whether the outcome is kept; for what a campaign keeps beside its rows
 *
 * @typedef {object} Goal
 * @property {string} goal what is asked for, as a noun: 'kills of either side'
 * @property {number} target
 * @property {boolean} [atMost] the target is not to be exceeded, instead of to be reached
 * @property {(rows: import('./rows.js').Row[]) => number | undefined} reached undefined: it was not tried
 *
 * @typedef {object} Campaign
 * @property {string} name
 * @property {string} about one line
 * @property {boolean} ofRows it is rows of faults, of which some can be chosen
 * @property {Goal[]} goals
 * @property {(asked: Asked) => Promise<Prepared>} prepare throws if the arguments are wrong
 *
 * @typedef {(() => Promise<import('./rows.js').Row[]>) & { faultInject?: boolean }} Prepared `faultInject`: needs the addon whose panics can
 *   be asked for
 */

/** @returns {Promise<Campaign[]>} */
export async function loadCampaigns() {
  const harness = await import(HARNESS)
  const ofRows = Object.entries(harness.campaigns).map(([name, about]) => ({
    name,
    about,
    ofRows: true,
    goals: harness.goals[name] ?? [],
    prepare: (/** @type {Asked} */ asked) => harness.prepare(name, asked),
  }))
  return [...ofRows, ...(await modules())]
}

/** @returns {Promise<Campaign[]>} */
async function modules() {
  const folder = join(root, 'scripts/campaigns')
  const names = readdirSync(folder).filter((name) => name.endsWith('.js'))
  return Promise.all(
    names.sort().map(async (file) => {
      const { about, run, goals = [], faultInject = false } = await import(join(folder, file))
      return {
        name: basename(file, '.js'),
        about,
        ofRows: false,
        goals,
        prepare: async (/** @type {Asked} */ asked) => Object.assign(() => run(asked), { faultInject }),
      }
    }),
  )
}
