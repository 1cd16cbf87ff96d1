/** The rows of the campaigns: every fault on every class that it fits. */
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'

/** Where both are. */
export const HERE = new URL('../', import.meta.url)

/**
 * A class under test, as classes/ has them: how its ends are opened in one process or in two, and how numbered messages
 * go through them.
 * @typedef {Record<string, any> & { name: string }} Kind
 */

/**
 * @typedef {object} Fault
 * @property {string} id as in G4
 * @property {string} campaign
 * @property {string} promise what is proven
 * @property {(kind: Kind, context: import('./context.js').Context) => Promise<Record<string, any>>} run in a process of
 *   its own; throws if the promise is broken, else gives figures of what was checked
 * @property {Record<string, (kind: Kind, context: import('./context.js').Context) => any>} [roles] for the processes and
 *   workers that it starts
 * @property {(kind: Kind) => boolean} [fits]
 * @property {string[]} [needs] extras (see support/extras.js)
 * @property {boolean} [faultInject] needs the addon whose panics can be asked for
 * @property {import('./child.js').Options} [launch] how its process is started
 * @property {number} [short] milliseconds that are enough for a look
 * @property {boolean} [alone] it measures time, so nothing else is to run
 */

/** @typedef {{ name: string, fault: Fault, kind: Kind, folder: URL, classes: URL }} Row */

export const CAMPAIGNS = ['kill', 'cancel', 'hostile', 'leak', 'limits']

/**
 * @param {URL} [folder] of the faults
 * @param {URL} [classes]
 * @returns {Promise<Row[]>}
 */
export async function loadRows(folder = HERE, classes = new URL('classes/', HERE)) {
  const kinds = await modulesIn(classes, /\.js$/)
  const rows = []
  for (const { name, module: fault } of await modulesIn(folder, /^[a-z]\d\d-.*\.js$/)) {
    for (const { module: kind } of kinds) {
      if (fault.fits === undefined || fault.fits(kind)) rows.push({ name, fault, kind, folder, classes })
    }
  }
  return rows
}

/** @param {URL} folder @param {RegExp} pattern */
function modulesIn(folder, pattern) {
  const names = readdirSync(folder).filter((name) => pattern.test(name))
  return Promise.all(
    names.sort().map(async (name) => {
      const { default: module } = await import(new URL(name, folder).href)
      return { name: basename(name, '.js'), module }
    }),
  )
}

/**
 * @param {Row[]} rows
 * @param {{ campaign?: string, kind?: string, fault?: string }} wanted `kind`: names with commas between
 */
export function choose(rows, { campaign, kind, fault }) {
  return rows.filter(
    (row) =>
      (campaign === undefined || row.fault.campaign === campaign) &&
      (kind === undefined || kind.split(',').includes(row.kind.name)) &&
      (fault === undefined || row.fault.id.toLowerCase() === fault.toLowerCase() || row.name === fault),
  )
}
