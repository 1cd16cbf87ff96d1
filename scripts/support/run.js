import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * What a command printed on stdout, or undefined if it cannot be started or fails.
 * @param {string} command
 * @param {string[]} args
 */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return status === 0 ? stdout.trim() : undefined
}

/** What the user has to know and can do something about: told in its own words, without a stack. */
export class Complaint extends Error {}

/** A command of ours that failed; its own output has told why. */
class CommandFailed extends Complaint {
  /**
   * @param {string} line
   * @param {number | null} status
   */
  constructor(line, status) {
    super(`${line} failed${status === null ? '' : ` with status ${status}`}`)
  }
}

/**
 * Runs a command that may talk, and keeps our stdout clean: what it prints goes to stderr.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function run(command, args, { cwd = root, env = process.env } = {}) {
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: ['ignore', 2, 2] })
  if (error) throw error
  if (status !== 0) throw new CommandFailed([command, ...args].join(' '), status)
}

/**
 * Runs a command, shows what it prints on stdout and stderr, and keeps it.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ status: number, output: string }>}
 */
export function show(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    /** @type {Buffer[]} */
    const chunks = []
    child.stdout.on('data', (chunk) => chunks.push(chunk) && process.stdout.write(chunk))
    child.stderr.on('data', (chunk) => chunks.push(chunk) && process.stderr.write(chunk))
    child.on('error', fail)
    child.on('close', (status) => settle({ status: status ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

/**
 * The main of a script: a complaint is told as it is, everything else with its stack.
 * @param {() => unknown} script
 */
export async function main(script) {
  try {
    await script()
  } catch (error) {
    console.error(error instanceof Complaint ? `\n${error.message}` : error)
    process.exitCode = 1
  }
}
