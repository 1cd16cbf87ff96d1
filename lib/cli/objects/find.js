/** From what somebody has typed to the object that is meant. */
import { lstatSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { KINDS } from '../../list/list.js'
import { UsageError } from '../command.js'
import { visible } from '../escape.js'
import { callOf, shownCall } from './kinds.js'
import { present } from './ls.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** What may follow one listed object that was named: its connections have its name. @param {IpcObject[]} objects */
const leaders = (objects) => {
  const listeners = objects.filter(({ listening }) => listening)
  return objects.length > 1 && listeners.length === 1 ? listeners : objects
}

/** @param {readonly string[]} names @returns {IpcObject[]} one for each, none twice */
export function findAll(names) {
  const { objects, notes } = present(new Set(KINDS), names.flatMap(folderOf))
  const found = names.map((name) => {
    const candidates = leaders(matches(name, objects))
    if (candidates.length === 1) return candidates[0]
    if (candidates.length > 1) {
      const calls = candidates.map(shownCall).join(', ')
      throw new UsageError(`'${visible(name)}' may be any of ${calls}`)
    }
    const doubt = notes.some((note) => note.startsWith('POSIX')) ? ' (of POSIX queues only those in use are seen)' : ''
    throw new UsageError(`there is no '${visible(name)}'${doubt}`)
  })
  return [...new Set(found)]
}

/**
 * The first of these ways that leads to something: as `ls` prints it, as it really is, and the bare name, number or key.
 * @param {string} name
 * @param {IpcObject[]} objects
 */
function matches(name, objects) {
  const path = resolve(name)
  const ways = [
    /** @param {IpcObject} object */
    (object) => shownCall(object) === name,
    /** @param {IpcObject} object */
    (object) => callOf(object) === name,
    /** @param {IpcObject} object */
    (object) => isFile(object) && object.name === path,
    /** @param {IpcObject} object */
    (object) => bareNames(object).includes(name),
  ]
  for (const way of ways) {
    const found = objects.filter(way)
    if (found.length > 0) return found
  }
  return []
}

/** @param {IpcObject} object */
function bareNames({ kind, name, id }) {
  if (kind.startsWith('sysv-')) return [String(id), ...(name === '0x00000000' ? [] : [name])]
  if (kind.startsWith('posix-')) return [name, name.slice(1), visible(name.slice(1))]
  return name.startsWith('@') ? [name.slice(1)] : [basename(name)]
}

/** @param {IpcObject} object */
function isFile({ kind, name }) {
  return (kind === 'fifo' || kind === 'socket') && name.startsWith('/')
}

/** A path may lead to where nobody has looked. @param {string} name */
function folderOf(name) {
  try {
    const stats = lstatSync(name)
    return stats.isFIFO() || stats.isSocket() ? [dirname(resolve(name))] : []
  } catch {
    return []
  }
}
