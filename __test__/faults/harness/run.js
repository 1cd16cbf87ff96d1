/** Runs one row: its process is started, watched, and looked at when it has ended. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { faultFolder } from '../../../scripts/support/addon.js'
import { Child } from './child.js'
import { buildSmall } from './small.js'
import { pause } from './time.js'

/** How much longer than asked a row may take before it is taken for hung. */
const PATIENCE = 40_000

const FAULT_INJECT = fileURLToPath(new URL(`../../../${faultFolder}/`, import.meta.url))

/** @type {Set<Child>} */
const running = new Set()

// Whoever stops a campaign stops all of it.
process.on('exit', () => {
  for (const child of running) child.killGroup()
})

/**
 * @typedef {object} Outcome
 * @property {boolean} passed
 * @property {number} seed
 * @property {number} rounds
 * @property {number} seconds
 * @property {Record<string, any>} figures
 * @property {string} [error]
 */

/**
 * @param {import('./table.js').Row} row
 * @param {{ ms: number, seed: number, patience?: number }} budget
 * @returns {Promise<Outcome>}
 */
export async function runRow({ name, fault, kind, folder, classes }, { ms, seed, patience = PATIENCE }) {
  if (fault.small) buildSmall()
  const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-campaign-'))
  const start = performance.now()
  const spec = { fault: name, kind: kind.name, folder: folder.href, classes: classes.href, scratch }
  const options = { stderr: 'pipe', leads: true, ...fault.launch }
  if (fault.faultInject) options.env = { ...options.env, OS_IPC_NATIVE: faultInjectAddon() }
  const child = new Child({ ...spec, role: 'run', seed, ms }, /** @type {any} */ (options))
  child.process.stdin.end()
  running.add(child)
  let hung = false
  const watchdog = setTimeout(() => {
    hung = true
    child.killGroup()
  }, ms + patience)
  /** @type {string | undefined} */
  let error
  try {
    await child.done()
    if (child.outcome === undefined) error = `It has ended without a result\n${child.errors}`
  } catch (failure) {
    error = hung
      ? `Hung: killed after ${(ms + patience) / 1000} s\n${child.outcome?.failed ?? ''}${child.errors}`
      : failure.message
  } finally {
    clearTimeout(watchdog)
  }
  if (error === undefined && (await anyLeft(child))) error = 'It has left processes behind'
  child.killGroup()
  running.delete(child)
  rmSync(scratch, { recursive: true, force: true })
  const { figures = {}, rounds = child.outcome?.rounds ?? 0 } = child.outcome?.returned ?? {}
  return { passed: error === undefined, seed, rounds, seconds: (performance.now() - start) / 1000, figures, error }
}

/** @param {Child} child */
async function anyLeft(child) {
  // They may still be on their way out.
  for (let i = 0; i < 200 && child.groupLeft; i++) await pause(10)
  return child.groupLeft
}

function faultInjectAddon() {
  const name = readdirSync(FAULT_INJECT).find((entry) => entry.endsWith('.node'))
  if (name === undefined) throw new Error('`npm run build -- --fault-inject` makes what this needs')
  return join(FAULT_INJECT, name)
}
