/**
 * The limits of the system that IPC comes upon, what stands against each, and the command that raises it.
 *
 * @typedef {object} Limit
 * @property {string} name as sysctl(8) and getrlimit(2) have it
 * @property {string} about
 * @property {number} value Infinity where there is none
 * @property {'bytes' | 'pages' | 'count'} unit
 * @property {number} [use] of the whole machine, or of this user or process where the limit is one of those
 * @property {string} raise
 */
import { statfsSync } from 'node:fs'
import { ifThere, numbersOf, tableOf, textOf } from './proc.js'

const MEMORY = '/dev/shm'

/** @returns {Record<string, number>} */
export function limits() {
  return Object.fromEntries(allLimits().map(({ name, value }) => [name, value]))
}

/** Those that this kernel has. @returns {Limit[]} */
export function allLimits() {
  return [...sysvLimits(), ...queueLimits(), ...memoryLimits(), ...pipeLimits(), ...socketLimits(), ...processLimits()]
}

function sysvLimits() {
  const queues = tableOf('/proc/sysvipc/msg')
  const sets = tableOf('/proc/sysvipc/sem')
  const segments = tableOf('/proc/sysvipc/shm')
  const [perSet, all, perCall, setCount] = numbersOf('/proc/sys/kernel/sem')
  /** @param {string} name @param {number} index */
  const semaphores = (name, index) => {
    const values = [perSet, all, perCall, setCount].map((value, at) => (at === index ? name : String(value)))
    return `sysctl -w kernel.sem="${values.join(' ')}"`
  }
  return known([
    setting('kernel.msgmax', 'longest System V message', 'bytes'),
    setting('kernel.msgmnb', 'bytes in a new System V queue', 'bytes'),
    setting('kernel.msgmni', 'System V queues', 'count', queues?.length),
    limit('kernel.sem.semmsl', 'semaphores in a set', perSet, 'count', undefined, semaphores('N', 0)),
    limit('kernel.sem.semmns', 'System V semaphores', all, 'count', total(sets, 3), semaphores('N', 1)),
    limit('kernel.sem.semopm', 'operations in a semop call', perCall, 'count', undefined, semaphores('N', 2)),
    limit('kernel.sem.semmni', 'System V semaphore sets', setCount, 'count', sets?.length, semaphores('N', 3)),
    setting('kernel.shmmax', 'largest System V segment', 'bytes'),
    setting('kernel.shmall', 'System V memory', 'pages', pagesOf(segments)),
    setting('kernel.shmmni', 'System V segments', 'count', segments?.length),
  ])
}

function queueLimits() {
  return known([
    setting('fs.mqueue.queues_max', 'POSIX queues', 'count'),
    setting('fs.mqueue.msg_max', 'messages that a POSIX queue may be made for', 'count'),
    setting('fs.mqueue.msgsize_max', 'length of a message that it may be made for', 'bytes'),
    setting('fs.mqueue.msg_default', 'messages in a POSIX queue made without sizes', 'count'),
    setting('fs.mqueue.msgsize_default', 'longest message in one made without sizes', 'bytes'),
    resource('RLIMIT_MSGQUEUE', 'Max msgqueue size', "POSIX queues of a user's, all together", 'bytes', '--msgqueue'),
  ])
}

function memoryLimits() {
  const system = ifThere(() => statfsSync(MEMORY))
  const size = system && system.blocks * system.bsize
  const use = system && (system.blocks - system.bfree) * system.bsize
  return known([
    limit(MEMORY, 'POSIX memory and semaphores', size || undefined, 'bytes', use, `mount -o remount,size=N ${MEMORY}`),
    resource('RLIMIT_MEMLOCK', 'Max locked memory', 'memory that a process may pin', 'bytes', '--memlock'),
  ])
}

function pipeLimits() {
  return known([
    setting('fs.pipe-max-size', 'capacity of a pipe, without privileges', 'bytes'),
    setting('fs.pipe-user-pages-soft', "pipes of a user's before new ones are small", 'pages'),
    setting('fs.pipe-user-pages-hard', "pipes of a user's before there are none (0: no limit)", 'pages'),
  ])
}

function socketLimits() {
  return known([
    setting('net.core.wmem_max', 'send buffer of a socket, without privileges', 'bytes'),
    setting('net.core.rmem_max', 'receive buffer of a socket, without privileges', 'bytes'),
    setting('net.core.somaxconn', 'connections that may wait at a listener', 'count'),
    setting('net.unix.max_dgram_qlen', 'datagrams that may wait at a socket', 'count'),
  ])
}

function processLimits() {
  const [, queued] = /^SigQ:\s*(\d+)\//m.exec(textOf('/proc/self/status') ?? '') ?? []
  const files = numbersOf('/proc/sys/fs/file-nr')
  return known([
    resource('RLIMIT_NOFILE', 'Max open files', 'descriptors of a process', 'count', '--nofile'),
    setting('fs.file-max', 'open files', 'count', files[0]),
    resource(
      'RLIMIT_SIGPENDING',
      'Max pending signals',
      "queued signals of a user's",
      'count',
      '--sigpending',
      queued === undefined ? undefined : Number(queued),
    ),
  ])
}

/**
 * @param {string} name
 * @param {string} about
 * @param {Limit['unit']} unit
 * @param {number} [use]
 */
function setting(name, about, unit, use) {
  // Only where a name has no dots of its own: these have none.
  const [value] = numbersOf(`/proc/sys/${name.replaceAll('.', '/')}`)
  return limit(name, about, value, unit, use, `sysctl -w ${name}=N`)
}

/**
 * @param {string} name
 * @param {string} line how /proc/self/limits begins it
 * @param {string} about
 * @param {Limit['unit']} unit
 * @param {string} option of prlimit(1)
 * @param {number} [use]
 */
function resource(name, line, about, unit, option, use) {
  const [, soft] = new RegExp(`^${line} +(\\S+)`, 'm').exec(textOf('/proc/self/limits') ?? '') ?? []
  const value = soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
  return limit(name, about, value, unit, use, `prlimit --pid $$ ${option}=N:N`)
}

/**
 * @param {string} name
 * @param {string} about
 * @param {number | undefined} value
 * @param {Limit['unit']} unit
 * @param {number | undefined} use
 * @param {string} raise
 */
function limit(name, about, value, unit, use, raise) {
  return value === undefined ? undefined : { name, about, value, unit, ...(use === undefined ? {} : { use }), raise }
}

/** @param {Array<Limit | undefined>} limits @returns {Limit[]} */
function known(limits) {
  return limits.filter((limit) => limit !== undefined)
}

/** @param {string[][] | undefined} rows @param {number} column */
function total(rows, column) {
  return rows?.reduce((sum, row) => sum + Number(row[column]), 0)
}

/** @param {string[][] | undefined} segments */
function pagesOf(segments) {
  return segments?.reduce((sum, row) => sum + Math.ceil(Number(row[3]) / 4096), 0)
}
