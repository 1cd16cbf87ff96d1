/** Who is compared with whom on the pages of channels. */
import { compile } from '../../lib/compile.js'
import { requirePackage } from '../../lib/packages.js'
import { script } from '../../lib/session.js'

/** @typedef {import('../../lib/group.js').Contender} Contender @typedef {Array<string | number>} Args */

export const KIB = 1024
export const MIB = 1024 * 1024
export const NET = 'net.Socket, framed'
export const ADVANCED = 'process.send advanced'
export const ZEROMQ = 'zeromq'
const EVENTS = 'events of the loop'

/** @param {string} name @param {string} waits @param {Args} args @returns {Contender} */
export function ours(name, waits, args) {
  return { name, waits, ours: true, command: () => script('channel-near.js', ...args) }
}

/** @param {Args} job @returns {Contender[]} */
export function nodesOwn(job) {
  return [
    { name: ADVANCED, waits: EVENTS, command: () => script('process-send-near.js', ...job, 'advanced') },
    { name: 'process.send json', waits: EVENTS, command: () => script('process-send-near.js', ...job, 'json') },
    { name: NET, waits: EVENTS, command: () => script('socket-near.js', ...job) },
  ]
}

/** @param {Args} job @param {import('../../lib/settings.js').Settings} settings @returns {Contender[]} */
export function packages(job, { quick }) {
  /** @param {string} name @param {string} waits @returns {Contender} */
  const from = (name, waits) => ({
    name,
    waits,
    command() {
      requirePackage(name, { install: !quick })
      return script(`${name}-near.js`, ...job)
    },
  })
  return [
    from(ZEROMQ, 'awaited'),
    from('node-ipc', EVENTS),
    from('shm-typed-array', 'polling with setImmediate, the ring by hand'),
    from('shared-memory-disruptor', "awaited, polling on libuv's threads"),
  ]
}

/** @param {string} name @param {string} waits @param {string} source @param {number[]} args @returns {Contender} */
export function program(name, waits, source, args) {
  return { name, waits, command: () => [compile(source), ...args.map(String)] }
}

/** @param {number} bytes */
export function sizeText(bytes) {
  if (bytes >= MIB) return `${bytes / MIB} MiB`
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
