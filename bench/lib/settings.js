/**
 * What the user asked for on the command line.
 *
 * @typedef {object} Settings
 * @property {string[]} pages names of files in bench/pages; none means all
 * @property {boolean} json
 * @property {boolean} quick
 * @property {boolean} help
 * @property {number} runs rounds of each contender; the figure is their median
 * @property {number} roundMs how long one round of one contender should take
 * @property {string} report the folder for the report; none where it is empty
 * @property {string} only run only the groups whose name contains this
 */
import { parseArgs } from 'node:util'

export const usage = `npm run bench [-- PAGE...] [--json] [--quick] [--runs N] [--only TEXT]

  PAGE         pages to run (bench/pages/PAGE.js); all when none is named
  --json       one JSON object for each row, on stdout
  --quick      few iterations: shows that everything runs, proves no figure
  --runs N     rounds of each contender (5; 2 with --quick); the figure is their median
  --report DIR write report.html and report.json there; where everything is measured they go to bench/
  --only TEXT  only the groups whose name contains TEXT, such as "round trip 64 B"`

/** @param {string[]} argv @returns {Settings} */
export function parseSettings(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      runs: { type: 'string' },
      only: { type: 'string', default: '' },
      report: { type: 'string', default: '' },
    },
  })
  const { json, quick, help, only, report } = values
  const runs = values.runs === undefined ? (quick ? 2 : 5) : Number(values.runs)
  if (!Number.isSafeInteger(runs) || runs < 1) throw new RangeError(`--runs takes a whole number of at least 1`)
  return { pages: positionals, json, quick, help, only, report, runs, roundMs: quick ? 15 : 200 }
}
