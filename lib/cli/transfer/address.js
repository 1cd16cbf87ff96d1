/** What `send` and `recv` are told to use, from what somebody has typed. */
import { lstatSync } from 'node:fs'
import { list } from '../../list/list.js'
import { UsageError } from '../command.js'
import { visible } from '../escape.js'

/**
 * @typedef {'mq' | 'sysv-queue' | 'fifo' | 'stream' | 'seqpacket' | 'datagram' | 'channel' | 'pid'} Transport
 * @typedef {{ transport: Transport, name: string }} Address
 */

/** @type {readonly Transport[]} */
export const transports = ['mq', 'sysv-queue', 'fifo', 'stream', 'seqpacket', 'datagram', 'channel', 'pid']

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
    if (!stats.isSocket()) throw new UsageError(`${visible(path)} is neither a FIFO nor a socket`)
  }
  const found = list({ kinds: ['socket'] }).find(({ name, type }) => name === path && type !== undefined)
  if (!found?.type) throw new UsageError(`nobody listens at ${visible(path)}`)
  return found.type
}
