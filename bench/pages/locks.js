/**
 * Semaphores and locks: what they cost where nobody else wants them, how they are handed over where four processes do, and
 * what waiting costs.
 */
import { compile } from '../lib/compile.js'
import { requirePackage } from '../lib/packages.js'
import { script } from '../lib/session.js'
import { median, sum } from '../lib/stats.js'

/** Pairs of taking and giving back, for one reading of the clock. */
const BATCH = 100
const PROCESSES = 4
const PENDING = 1000
/** Milliseconds for which the cost of waiting is told. */
const IDLE = 5000

const [semop, sem, ofd, lockfile] = ['C semop', 'C sem_wait', 'C F_OFD_SETLK', 'proper-lockfile']

/** Each kind of ours, and what its forms are called. */
const kinds = [
  { kind: 'mutex', name: 'Mutex', tries: 'tryLock', takes: 'lock' },
  { kind: 'reading', name: 'RwLock', tries: 'tryRead', takes: 'read', shared: true },
  { kind: 'writing', name: 'RwLock', tries: 'tryWrite', takes: 'write' },
  { kind: 'posix-semaphore', name: 'PosixSemaphore', tries: 'tryAcquire', takes: 'acquire' },
  { kind: 'sysv-semaphore', name: 'SysvSemaphoreSet', tries: 'tryAcquire', takes: 'acquire' },
  { kind: 'sysv-semaphore, undo', name: 'SysvSemaphoreSet with undo', tries: 'tryAcquire', takes: 'acquire' },
  { kind: 'file-lock', name: 'FileLock', tries: 'tryLock', takes: 'lock' },
]

/** Those that one process at a time has. */
const exclusive = kinds.filter(({ shared }) => !shared)

/** Which of the contended ones are to be fair. */
const fair = [
  'Mutex, lockSync',
  'Mutex, lock',
  'SysvSemaphoreSet with undo, acquireSync',
  'SysvSemaphoreSet with undo, acquire',
]

/** What a pair may cost. */
const pairTargets = [
  { ours: 'Mutex, tryLock', peer: semop, than: '<=', ratio: 3 },
  { ours: 'Mutex, tryLock', peer: lockfile, than: '<=', ratio: 0.01 },
  { ours: 'SysvSemaphoreSet, tryAcquire', peer: semop, than: '<=', ratio: 3 },
  { ours: 'SysvSemaphoreSet, tryAcquire', peer: lockfile, than: '<=', ratio: 0.01 },
  { ours: 'PosixSemaphore, tryAcquire', peer: sem, than: '<=', value: 150 },
  { ours: 'PosixSemaphore, tryAcquire', peer: lockfile, than: '<=', ratio: 0.01 },
]

/** @typedef {import('../lib/group.js').Group} Group @typedef {import('../lib/group.js').Contender} Contender */
/** @typedef {import('../lib/settings.js').Settings} Settings */

/** @param {Settings} settings @returns {Group[]} */
export function groups(settings) {
  return [uncontended(settings), contended(settings), idle(settings)]
}

/** @param {Settings} settings @returns {Group} */
function uncontended(settings) {
  const figure = 'taken and given back'
  return {
    name: 'locks, uncontended',
    size: 'a pair',
    pinning: 'one CPU',
    metrics: [{ figure, unit: 'ns', of: ({ ns }) => median(ns) / BATCH }],
    contenders: [
      ...kinds.flatMap(({ kind, name, tries, takes }) => [
        ours(`${name}, ${tries}`, 'nobody waits', 'locks-local-near.js', kind, 'try', BATCH),
        ours(`${name}, ${takes}`, 'awaited', 'locks-local-near.js', kind, 'await', BATCH),
      ]),
      ...programs('locks_local', 'nobody waits', BATCH),
      {
        name: lockfile,
        waits: 'nobody waits',
        command() {
          requirePackage('proper-lockfile', { install: !settings.quick })
          return script('locks-local-near.js', 'proper-lockfile', 'await', BATCH)
        },
      },
    ],
    targets: pairTargets.map((target) => ({ figure, ...target })),
    maxCount: 2_000,
  }
}

/** @param {Settings} settings @returns {Group} */
function contended({ quick }) {
  const slice = quick ? 5 : 50
  const job = [PROCESSES, slice]
  const figures = { rate: 'hand-overs', fairness: 'least served' }
  return {
    name: `locks, contended by ${PROCESSES} processes`,
    // Who is interrupted between giving and taking is out of the queue for a while: that evens out in time.
    roundMs: quick ? undefined : 2000,
    size: `${PROCESSES} processes`,
    pinning: 'not pinned',
    metrics: [
      { figure: figures.rate, unit: '/s', of: ({ ns, handedOver = [] }) => sum(handedOver) / (sum(ns) / 1e9) },
      { figure: 'taken', unit: '/s', of: ({ ns, taken = [] }) => sum(taken) / (sum(ns) / 1e9) },
      {
        figure: figures.fairness,
        unit: 'of the mean',
        of: ({ taken = [] }) => (Math.min(...taken) * taken.length) / sum(taken),
      },
    ],
    contenders: [
      ...exclusive.flatMap(({ kind, name, takes }) => [
        ours(`${name}, ${takes}Sync`, 'parked', 'locks-contended-near.js', kind, 'sync', ...job),
        ours(`${name}, ${takes}`, 'awaited', 'locks-contended-near.js', kind, 'await', ...job),
      ]),
      ...programs('locks_contended', 'parked', ...job),
    ],
    targets: fair.map((ours) => ({ figure: figures.fairness, ours, peer: semop, than: '>=', value: 0.9 })),
  }
}

/** @param {Settings} settings @returns {Group} */
function idle({ quick }) {
  const figure = `processor time of ${IDLE / 1000} s`
  const job = [PENDING, quick ? 10 : 1000]
  const bare = 'Node, nothing pending'
  return {
    name: `locks, ${PENDING} pending`,
    size: `${PENDING} pending`,
    pinning: 'not pinned',
    metrics: [{ figure, unit: 'ms', of: ({ ns, cpuUs = [] }) => (sum(cpuUs) / 1000) * (IDLE / (sum(ns) / 1e6)) }],
    contenders: [
      ...exclusive.map(({ kind, name, takes }) =>
        ours(`${name}, ${takes}`, 'awaited', 'locks-idle-near.js', kind, ...job),
      ),
      { name: bare, waits: 'nobody waits', command: () => script('locks-idle-near.js', 'nothing', ...job) },
    ],
    targets: exclusive.map(({ name, takes }) => ({
      figure,
      ours: `${name}, ${takes}`,
      peer: bare,
      than: '<=',
      value: 50,
    })),
    maxCount: 5,
  }
}

/** @param {string} program @param {string} waits @param {...number} words @returns {Contender[]} */
function programs(program, waits, ...words) {
  const arg = words.map(String)
  return [
    { name: semop, waits, command: () => [compile(program), 'semop', ...arg] },
    { name: sem, waits, command: () => [compile(program), 'sem', ...arg] },
    { name: ofd, waits, command: () => [compile(program), 'ofd', ...arg] },
  ]
}

/** @param {string} name @param {string} waits @param {string} file @param {Array<string | number>} args @returns {Contender} */
function ours(name, waits, file, ...args) {
  return { name, waits, ours: true, command: () => script(file, ...args) }
}
