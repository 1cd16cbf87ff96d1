import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { cleanup } from '../../list/cleanup.js'
import { KINDS, survey } from '../../list/list.js'
import { exitCodes, UsageError } from '../command.js'
import { table } from '../table.js'
import { wrap } from '../wrap.js'
import { age, permissions, plural, size, users } from './figures.js'
import { callOf, kindNames, kindOf, shortKind, shownCall } from './kinds.js'
import { processName, userName } from './people.js'

/**
 * @typedef {import('../../../index.js').IpcKind} IpcKind
 * @typedef {import('../../../index.js').IpcObject} IpcObject
 */

const columns = [
  { title: 'KIND' },
  { title: 'NAME', key: true },
  { title: 'OWNER' },
  { title: 'MODE', right: true },
  { title: 'SIZE' },
  { title: 'AGE', right: true },
  { title: 'USED BY' },
]

/** @param {import('../command.js').Call} call */
export async function runLs({ options, operands, out, err }) {
  const kinds = kindsOf(options.kind)
  const folders = operands.map(folder)
  const { objects: found, notes } = options.orphans ? orphans(kinds) : present(kinds, folders)
  const uid = process.geteuid?.()
  const mine = options.mine ? found.filter((object) => object.uid === uid) : found
  const { shown, left } = options.all || options.json || options.kind ? { shown: mine, left: 0 } : named(mine)
  if (options.json) {
    out.write(`${JSON.stringify({ objects: shown.map(described), notes }, null, 2)}\n`)
    return exitCodes.done
  }
  if (shown.length > 0) out.write(listing(shown, out))
  if (left > 0) notes.push(`${plural(left, 'socket')} without a name not shown: os-ipc ls --all`)
  for (const note of notes) err.write(`${wrap(note, err.room).join('\n')}\n`)
  return exitCodes.done
}

/** @param {IpcObject[]} objects @param {import('../terminal.js').Terminal} out */
export function listing(objects, out) {
  const now = Date.now()
  const rows = objects.map((object) => [
    shortKind(object),
    shownCall(object),
    userName(object.uid),
    object.kind === 'socket' && object.mode === 0 ? '' : permissions(object.mode),
    size(object),
    age(object.created, now),
    users(object),
  ])
  return table(columns, rows, out)
}

/** @param {Set<IpcKind>} kinds @param {string[]} folders */
export function present(kinds, folders) {
  const proc = hasProc()
  // What cannot be listed without /proc is said, the rest is shown.
  const { objects, queuesComplete } = survey(
    proc ? kinds : new Set([...kinds].filter((kind) => !kind.startsWith('sysv-'))),
    folders,
  )
  const notes = []
  if (!proc) notes.push('/proc is not to be read: no System V objects are listed, and nobody is seen to use any')
  else if (!queuesComplete) {
    notes.push(
      'POSIX queues: only those that processes of this user hold open (mount -t mqueue none /dev/mqueue shows all)',
    )
  }
  return { objects, notes }
}

function hasProc() {
  return statSync('/proc/self/stat', { throwIfNoEntry: false }) !== undefined
}

/** @param {Set<IpcKind>} kinds */
function orphans(kinds) {
  return { objects: cleanup({ dryRun: true }).filter(({ kind }) => kinds.has(kind)), notes: [] }
}

/** What somebody could mean: connections have the name of their listener. @param {IpcObject[]} objects */
function named(objects) {
  const listeners = new Set(objects.filter(({ listening }) => listening).map(({ name }) => name))
  const shown = objects.filter(
    ({ kind, name, listening }) => kind !== 'socket' || (name !== '' && (listening || !listeners.has(name))),
  )
  return { shown, left: objects.length - shown.length }
}

/** @param {IpcObject} object */
export function described(object) {
  return {
    call: callOf(object),
    ...object,
    owner: userName(object.uid),
    ...(object.holders && { processes: object.holders.map((pid) => ({ pid, name: processName(pid) })) }),
  }
}

/** @param {string[] | undefined} names @returns {Set<IpcKind>} */
function kindsOf(names) {
  if (!names) return new Set(KINDS)
  return new Set(
    names
      .flatMap((name) => name.split(','))
      .map((name) => {
        const kind = kindOf(name)
        if (!kind) throw new UsageError(`unknown kind '${name}': ${kindNames.join(', ')}`)
        return kind
      }),
  )
}

/** @param {string} path */
function folder(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isDirectory()) throw new UsageError(`${path} is no folder`)
  return resolve(path)
}
