/** What `send` and `recv` are told to use, from what somebody has typed. */
import { closeSync, lstatSync, openSync, readSync } from 'node:fs'
import { list } from '../../list/list.js'
import { UsageError } from '../command.js'
import { visible } from '../escape.js'

/**
 * @typedef {'mq' | 'sysv-queue' | 'fifo' | 'stream' | 'seqpacket' | 'datagram' | 'channel' | 'topic' | 'pid'} Transport
 * @typedef {{ transport: Transport, name: string }} Address
 */

/** @type {readonly Transport[]} */
export const transports = ['mq', 'sysv-queue', 'fifo', 'stream', 'seqpacket', 'datagram', 'channel', 'topic', 'pid']

/** @param {string[]} operands @param {string} command @returns {Address} */
export function addressOf([text], command) {
  if (text === undefined) throw new UsageError(`which transport? mq:/jobs, a path… (see os-ipc ${command} --help)`)
  const colon = text.indexOf(':')
  const transport = transports.find((name) => name === text.slice(0, colon))
  if (transport) return { transport, name: text.slice(colon + 1) }
  if (!text.includes('/') && !text.startsWith('@')) {
    throw new UsageError(
      `'${visible(text)}' is no address: TRANSPORT:NAME with one of ${transports.join(', ')}, or a path`,
    )
  }
  return { transport: transportAt(text), name: text }
}

/** What stands at a path. @param {string} path @returns {Transport} */
function transportAt(path) {
  if (!path.startsWith('@')) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (!stats) throw new UsageError(`there is no ${visible(path)}`)
    if (stats.isFIFO()) return 'fifo'
    if (stats.isFile() && isTopic(path)) return 'topic'
    if (!stats.isSocket()) throw new UsageError(`${visible(path)} is neither a FIFO nor a socket nor a topic`)
  }
  const found = list({ kinds: ['socket'] }).find(({ name, type }) => name === path && type !== undefined)
  if (!found?.type) throw new UsageError(`nobody listens at ${visible(path)}`)
  return found.type
}

/** By how its memory begins: docs/topic-format.md. @param {string} path */
function isTopic(path) {
  const head = Buffer.alloc(8)
  try {
    const fd = openSync(path, 'r')
    try {
      readSync(fd, head, 0, 8, 0)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Not for this user: then it is none that could be used.
    return false
  }
  return head.toString('latin1') === 'OSIPCTPC'
}
