/** Signals from other programs, and the masks of threads. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @type {string | undefined} */
let program

/** The C program interop/signals.c, compiled once. */
export function signalsInC() {
  if (program !== undefined) return program
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  program = join(folder, 'signals')
  execFileSync('cc', ['-O1', '-o', program, fileURLToPath(new URL('../interop/signals.c', import.meta.url))])
  return program
}

/** Starts it; settles with its pid once it has ended well. @param {(string | number)[]} words */
export async function inC(...words) {
  const child = spawn(signalsInC(), words.map(String), { stdio: 'inherit', timeout: 60_000, killSignal: 'SIGKILL' })
  assert.deepEqual(await once(child, 'exit'), [0, null])
  return /** @type {number} */ (child.pid)
}

/** A set of signals that a process's or thread's status shows, by number. @param {string} path @param {string} name */
export function setOf(path, name) {
  const line = readFileSync(path, 'utf8').match(new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm'))
  const bits = BigInt(`0x${line?.[1]}`)
  return Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => bits & (1n << BigInt(number - 1)))
}

/** Names of this process's threads that do not hold a signal back. @param {number} number */
export function threadsOpenTo(number) {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      const path = `/proc/self/task/${task}`
      return setOf(`${path}/status`, 'SigBlk').includes(number) ? [] : [readFileSync(`${path}/comm`, 'utf8').trim()]
    } catch {
      return []
    }
  })
}
