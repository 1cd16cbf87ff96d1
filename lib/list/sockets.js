/** Unix sockets: unix(7). All of this network namespace, and files of sockets that have none any more. */
import { lstatSync } from 'node:fs'
import native from '../load.js'
import { facts } from './files.js'
import { ifThere, textOf } from './proc.js'

/**
 * @typedef {import('../../index.js').IpcObject} IpcObject
 * @typedef {import('./holders.js').Holders} Holders
 * @typedef {{ inode: number, kind: number, state: number, name: string, file?: number, uid?: number, queued?: number }} Seen
 */

const TYPES = /** @type {Record<number, 'stream' | 'datagram' | 'seqpacket'>} */ ({
  1: 'stream',
  2: 'datagram',
  5: 'seqpacket',
})
/** As the kernel's socket diagnosis has it. */
const LISTENING = 10
/** SO_ACCEPTCON, in /proc/net/unix. */
const ACCEPTS = 0x10000
const UNKNOWN = -1

/**
 * @param {Holders} holders
 * @param {Map<string, import('node:fs').Stats>} files
 * @returns {IpcObject[]}
 */
export function sockets(holders, files) {
  const seen = told()
  const live = new Set(seen.filter(({ name }) => name.startsWith('/')).map(({ name }) => name))
  const stale = [...files].filter(([path, stats]) => stats.isSocket() && !live.has(path))
  return [
    ...seen.map((socket) => objectOf(socket, holders)),
    ...stale.map(([name, stats]) => /** @type {IpcObject} */ ({ kind: 'socket', name, ...facts(stats), holders: [] })),
  ]
}

/** @param {Seen} seen @param {Holders} holders @returns {IpcObject} */
function objectOf({ inode, kind, state, name, file, uid, queued }, holders) {
  const stats = name.startsWith('/') ? ifThere(() => lstatSync(name)) : undefined
  // Somebody may have put another one in its place.
  const own = stats?.isSocket() && (file === undefined || (stats.ino & 0xffffffff) >>> 0 === file) ? stats : undefined
  const listening = state === LISTENING
  return {
    kind: 'socket',
    name,
    id: inode,
    ...(own ? facts(own) : { uid: UNKNOWN, mode: 0 }),
    ...(uid === undefined ? {} : { uid }),
    type: TYPES[kind],
    listening,
    // Of a listener it is how many wait to be accepted.
    ...(queued === undefined ? {} : listening ? { messages: queued } : { bytes: queued }),
    holders: holders.ofSocket(inode),
  }
}

/** @returns {Seen[]} */
function told() {
  try {
    return native.unixSockets()
  } catch {
    // A kernel without that, or a sandbox that forbids it.
    return fromProc(textOf('/proc/net/unix') ?? '')
  }
}

/**
 * The same from /proc/net/unix, which does not say whose they are.
 * @param {string} text
 * @returns {Seen[]}
 */
export function fromProc(text) {
  /** @type {Seen[]} */
  const seen = []
  for (const line of text.split('\n').slice(1)) {
    const [, flags, kind, inode, , name = ''] =
      /^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{4}) [0-9A-F]{2} +(\d+)( (.*))?$/i.exec(line) ?? []
    const last = seen.at(-1)
    if (flags !== undefined) {
      const state = Number.parseInt(flags, 16) & ACCEPTS ? LISTENING : 0
      seen.push({ inode: Number(inode), kind: Number.parseInt(kind, 16), state, name })
    } else if (last && line !== '') {
      // A name with a newline in it.
      last.name += `\n${line}`
    }
  }
  return seen
}
