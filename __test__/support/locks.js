/** What specs of locks share: names that go with their spec, pieces of it that run elsewhere, what the kernel says. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Barrier, Condition, Mutex, RwLock } from '../../index.js'
import { fixture, start } from './child.js'

const script = fixture('lock-snippet.js')
const classes = { mutex: Mutex, rwlock: RwLock, condition: Condition, barrier: Barrier }

/** @typedef {keyof typeof classes} Kind */

/** @type {Array<[Kind, string]>} */
const named = []
let count = 0

/** Where the file of a name stands. @param {Kind} kind @param {string} name */
export function fileOf(kind, name) {
  return `/dev/shm/os-ipc-${kind}.${name}`
}

/** A name that is unlinked at the end of the spec. @param {Kind} kind @param {string} [name] */
export function newName(kind, name = `spec-${process.pid}-${++count}`) {
  named.push([kind, name])
  return name
}

/** To be called once in each spec that makes names. */
export function unlinkAfter() {
  after(unlinkAll)
}

function unlinkAll() {
  for (const [kind, name] of named.splice(0)) {
    if (existsSync(fileOf(kind, name))) classes[kind].unlink(name)
  }
}

/** Runs a piece of code in another process. @param {string} code @param {Array<string | number>} [words] @param {Parameters<typeof start>[2]} [options] */
export function elsewhere(code, words = [], options = {}) {
  return start(script, [code, ...words], { stdin: 'pipe', ...options })
}

/** The same in a worker of this process. @param {string} code @param {Array<string | number>} [words] */
export function inWorker(code, words = []) {
  return new Worker(script, { workerData: { snippet: [code, ...words.map(String)] }, stdout: true })
}

/** A piece that takes a lock by that call, and holds it until it is told to leave. @param {string} call */
export const holding = (call) => `
  const guard = await ${call}
  say('in', guard.abandoned)
  await told()
  guard.unlock()
  say('out')
  process.exit()
`

/**
 * Kills who holds a lock that somebody waits for: the guard of whoever waits, and the milliseconds that it took.
 * @template G
 * @param {ReturnType<typeof elsewhere>} holder
 * @param {Promise<G>} waiting
 */
export async function killed(holder, waiting) {
  await sleep(5)
  const began = performance.now()
  process.kill(holder.pid, 'SIGKILL')
  const guard = await waiting
  return { guard, passed: performance.now() - began }
}

/** Ids of semaphore sets, whoever has made them. */
export function semaphoreIds() {
  const [, ...lines] = readFileSync('/proc/sysvipc/sem', 'utf8').trim().split('\n')
  return lines.map((line) => Number(line.trim().split(/\s+/)[1]))
}

/** The set that a name stands for. @param {Kind} kind @param {string} name */
export function setOf(kind, name) {
  return readFileSync(fileOf(kind, name)).readInt32LE(12)
}

/** What the kernel says of a semaphore: its value and how many wait for it. @param {Kind} kind @param {string} name @param {number} index */
export function waitingIn(kind, name, index) {
  const { stdout } = spawnSync('ipcs', ['-s', '-i', String(setOf(kind, name))], { encoding: 'utf8' })
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const [, value, forMore, forZero] = lines.find((words) => words.length === 5 && words[0] === index) ?? []
  return { value, forMore, forZero }
}
