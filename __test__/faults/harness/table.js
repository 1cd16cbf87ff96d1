/** The rows of the campaigns: every fault on every class that it fits. */
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'

/** Where both are. */
const HERE = new URL('../', import.meta.url)

/**
 * A class under test, as classes/ has them: how its ends are opened in one process or in two, and how numbered messages
 * go through them. What gives permits instead of messages is made one by permits.js.
 * @typedef {Record<string, any> & Ways} Kind
 */

/**
 * What every class has; and what some have, or lack, for which the faults make allowances.
 * @typedef {object} Ways
 * @property {string} name
 * @property {(context: import('./context.js').Context) => Promise<any>} open both ends in this process: `sender`, `receiver`,
 *   `close`; `share` if another process can have one of them too; `unlink` if there is a name
 * @property {Record<string, (receiver: any, options: object) => Promise<number[] | null>>} receives every way to wait, with
 *   the options `timeout` and `signal`; one of them is called recv
 * @property {(sender: any, data: any, options?: object) => Promise<void>} send what lets one wait go on
 * @property {(ends: any) => Record<string, () => any>} calls all that fail once the ends are closed
 * @property {(context: any, options?: object) => Promise<{ pending: Promise<any>[], handles: any[] }>} wait begins operations
 *   of every sort that can wait, at most ten with a thread each
 * @property {(data: any) => number[]} [decode] where messages have contents
 * @property {(sender: any) => void} [fill] where sends can have to wait
 * @property {(receiver: any, options?: object) => number[] | null} [recvSync]
 * @property {(context: any, side: 'sender' | 'receiver') => Promise<{ parcel?: any, fds?: number[], meet: () => Promise<any> }>} [offer]
 *   one end for another process, which gets it by `join`; without it, the other side is played in this process
 * @property {(parcel: any, side: 'sender' | 'receiver') => Promise<any>} [join]
 * @property {(end: any) => any} [another] one more handle of the same end
 * @property {(ends: any, context: any) => Promise<any>[]} [onThreads] waits that have a thread of the package's each
 * @property {{ open: (path: string) => any, ways: Record<string, (lock: any) => any> }} [holdsFile] locks of a file, to be held
 * @property {any} [names] of what one process alone makes: `place` is free, `make` it there, `drop` what is left of it, the
 *   code `taken` (EEXIST), `most` at once
 * @property {string[]} [only] these faults, by id or by file, and no others, for what neither messages nor permits go through
 * @property {any} [holds] how something with a name is held: see classes/mutex.js
 * @property {boolean} [stream] the end comes when the last sender has gone, and sending without a receiver fails
 * @property {false} [ends] there is no end: who receives has to know how many there are
 * @property {boolean} [unordered] waits are served in no order
 * @property {boolean} [keepsPlace] the kernel serves a thread, which may tell so too late for the first of several, and then
 *   serves the next one
 * @property {boolean} [once] a pair is good for one message, which every wait gets
 * @property {boolean} [batches] one message can hold several numbers
 * @property {boolean} [whole] a message is received into whatever memory it fits into
 * @property {boolean} [parts] a part of a message may be received, and the rest later
 * @property {boolean} [divides] a part of a message may be sent when the rest has to wait
 * @property {false} [descriptors] no descriptor is spent on a handle
 * @property {boolean} [forgotten] its ends are closed by the garbage collector all the same, when nothing else holds them
 * @property {boolean} [threads] each wait has a thread; where there is no descriptor, unless it says false
 * @property {number} [leastCycles] of opening and closing, where one takes its time
 * @property {number} [most] handles at once
 * @property {number} [mostWaits] waits at once, on one handle
 * @property {(receiver: any) => Promise<any>} [begin] a wait with nothing around it, where that is not `receiver.recv()`
 * @property {Record<string, string[]>} [failingCalls] system calls of its opens, and how the kernel refuses them
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
 * @property {boolean} [small] it starts victims of small.js
 * @property {boolean} [faultInject] needs the addon whose panics can be asked for
 * @property {import('./child.js').Options} [launch] how its process is started
 * @property {number} [longest] milliseconds after which it begins anew, if not half a minute
 * @property {number} [short] milliseconds that are enough for a look
 * @property {string[]} [looks] the classes that `npm test` looks at, if not all
 * @property {boolean} [alone] it measures time, so nothing else is to run
 */

/** @typedef {{ name: string, fault: Fault, kind: Kind, folder: URL, classes: URL }} Row */

export const CAMPAIGNS = {
  kill: 'processes are killed at any moment, and at each step: nothing is lost that was sent, nobody hangs',
  cancel: 'waits are given up at about the moment when they succeed: received is sent, in order',
  hostile: 'wrong arguments, memory that changes, peers that do harm: an error, and never a crash',
  leak: 'opening, closing, ending workers and children for long: nothing stays',
  limits: 'calls that fail or are interrupted, floods, and what is full: a typed error, and on it goes',
}

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
      if (kind.only !== undefined && !kind.only.includes(fault.id) && !kind.only.includes(name)) continue
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
 * @param {{ campaign?: string, kind?: string, fault?: string }} wanted `kind` and `fault`: names with commas between
 */
export function choose(rows, { campaign, kind, fault }) {
  const kinds = kind?.split(',')
  const faults = fault?.split(',')
  const ofCampaign = rows.filter((row) => campaign === undefined || row.fault.campaign === campaign)
  for (const name of kinds ?? [])
    if (!ofCampaign.some((row) => row.kind.name === name)) throw new Error(`there is no class '${name}' in it`)
  for (const name of faults ?? [])
    if (!ofCampaign.some((row) => isCalled(row, name))) throw new Error(`there is no fault '${name}' in it`)
  return ofCampaign.filter(
    (row) =>
      (kinds === undefined || kinds.includes(row.kind.name)) &&
      (faults === undefined || faults.some((name) => isCalled(row, name))),
  )
}

/** @param {Row} row @param {string} name */
function isCalled(row, name) {
  return row.fault.id.toLowerCase() === name.toLowerCase() || row.name === name
}
