/** A program that is run under somebody's eyes, for so long at most. */
import { spawn } from 'node:child_process'
import { root } from './run.js'

/**
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, ms: number, cwd?: string }} how
 * @returns {Promise<{ status: number | string | null, output: string, stdout: string, late: boolean }>} `late`: it was ended
 *   when its time was up
 */
export function watched(file, args, { env = process.env, ms, cwd = root }) {
  return new Promise((settle, fail) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let late = false
    const timer = setTimeout(() => {
      late = true
      end(child.pid)
    }, ms)
    /** @type {Buffer[]} */
    const both = []
    /** @type {Buffer[]} */
    const out = []
    child.stdout.on('data', (chunk) => both.push(chunk) && out.push(chunk))
    child.stderr.on('data', (chunk) => both.push(chunk))
    child.on('error', fail)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      const text = (/** @type {Buffer[]} */ chunks) => Buffer.concat(chunks).toString()
      settle({ status: status ?? signal, output: text(both), stdout: text(out), late })
    })
  })
}

/** It, and whatever it has started. @param {number | undefined} pid */
function end(pid) {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error
  }
}
