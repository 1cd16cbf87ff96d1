/**
 * POSIX queues: mq_overview(7). They stand in a file system of their own. As root it is mounted where nobody sees it;
 * otherwise it is looked for where somebody has mounted it; and where nobody has, there are those that processes hold
 * open.
 */
import { lstatSync, readdirSync } from 'node:fs'
import native from '../load.js'
import { facts } from './files.js'
import { ifThere, textOf } from './proc.js'

/**
 * @typedef {import('../../index.js').IpcObject} IpcObject
 * @typedef {import('./holders.js').Holders} Holders
 */

/**
 * @param {Holders} holders
 * @returns {{ objects: IpcObject[], complete: boolean }}
 */
export function posixQueues(holders) {
  const fd = privateFolder()
  try {
    const folder = fd === undefined ? mountPoint() : `/proc/self/fd/${fd}`
    const names = folder === undefined ? undefined : ifThere(() => readdirSync(folder))
    if (folder === undefined || names === undefined) return { objects: held(holders), complete: false }
    const objects = names.flatMap((name) => {
      const path = `${folder}/${name}`
      const stats = ifThere(() => lstatSync(path))
      return stats ? [objectOf(`/${name}`, path, stats, holders)] : []
    })
    return { objects, complete: true }
  } finally {
    // By whoever has opened it: Deno's node:fs closes no other descriptors.
    if (fd !== undefined) native.descriptorClose(fd)
  }
}

function privateFolder() {
  try {
    return native.posixQueueFolder()
  } catch {
    // Not root, an old kernel, a sandbox: there are other ways.
    return undefined
  }
}

/** Where this mount namespace has it, as /proc/self/mountinfo says: proc(5). */
function mountPoint() {
  for (const line of textOf('/proc/self/mountinfo')?.split('\n') ?? []) {
    const [before, after] = line.split(' - ')
    const [, , , root, point] = before.split(' ')
    if (after?.startsWith('mqueue ') && root === '/') return unescaped(point)
  }
  return undefined
}

/** @param {string} path blanks and the like stand in octal */
function unescaped(path) {
  return path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** @param {Holders} holders @returns {IpcObject[]} */
function held(holders) {
  return [...holders.queues.values()]
    .filter(({ path }) => !path.endsWith(' (deleted)'))
    .map(({ path, through, stats }) => objectOf(path.slice(path.lastIndexOf('/')), through, stats, holders))
}

/**
 * @param {string} name
 * @param {string} path
 * @param {import('node:fs').Stats} stats
 * @param {Holders} holders
 * @returns {IpcObject}
 */
function objectOf(name, path, stats, holders) {
  const common = {
    ...{ kind: /** @type {const} */ ('posix-queue'), name, ...facts(stats) },
    // No queue knows when it was made, and to look at it changes its ctime.
    created: Math.floor(stats.mtimeMs),
    holders: holders.ofFile(stats),
  }
  try {
    const { messages, bytes } = native.posixQueueLook(path)
    return { ...common, bytes, messages }
  } catch {
    // Another user's, or gone by now: what is known of it still counts.
    return common
  }
}
