/** Starts the far side of a comparison, on its CPU, from the measuring process. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from './pin.js'

/**
 * @param {string} script file name in bench/peers
 * @param {Array<string | number>} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export function spawnFar(script, args, options) {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url))
  const command = [process.execPath, path, ...args.map(String)]
  const child = spawn(...pinned(process.env.BENCH_FAR_CPU ?? '', command), options)
  child.on('exit', (code, signal) => {
    process.stderr.write(`${script} ended early: ${signal ?? code}\n`)
    process.exit(1)
  })
  return child
}

/** What both sides of every comparison are told. */
export function job() {
  const [figure, size, batch, ...rest] = process.argv.slice(2)
  return { roundTrip: figure === 'round-trip', size: Number(size), batch: Number(batch), rest }
}
