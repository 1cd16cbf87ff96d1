import { readFileSync } from 'node:fs'
import { allCommands, commandNamed, names } from '../../bin/commands/index.js'
import { exitCodes, UsageError } from './command.js'
import { terminal } from './terminal.js'

const endingSignals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/**
 * Runs the command line and sets the process's exit code.
 * @param {string[]} words
 */
export async function main(words) {
  const interruption = new AbortController()
  const out = terminal(process.stdout)
  const err = terminal(process.stderr)
  /** @type {NodeJS.Signals | undefined} */
  let endedBy
  for (const name of endingSignals) {
    process.on(name, () => {
      // The second one does not wait for tidying up.
      if (endedBy) dieBy(name)
      endedBy = name
      interruption.abort(new Error(`ended by ${name}`))
    })
  }
  /** @type {NodeJS.ErrnoException | undefined} */
  let unwritten
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      unwritten ??= error
      interruption.abort(error)
    })
  }
  try {
    process.exitCode = await dispatch(words, { out, err, signal: interruption.signal })
  } catch (error) {
    if (!interruption.signal.aborted) process.exitCode = report(error, words, err)
    else if (!endedBy) process.exitCode = exitCodes.outputClosed
  }
  // A stream tells of its error a little after the write.
  await new Promise(setImmediate)
  if (unwritten && unwritten.code !== 'EPIPE') {
    process.exitCode = exitCodes.failed
    err.write(`os-ipc: cannot write the output: ${unwritten.code}\n`)
  }
  if (endedBy) dieBy(endedBy)
  for (const name of endingSignals) process.removeAllListeners(name)
}

/**
 * @param {string[]} words
 * @param {Pick<import('./command.js').Call, 'out' | 'err' | 'signal'>} call
 */
async function dispatch(words, call) {
  const [first, ...rest] = words
  if (first === '--version' || first === '-v') return print(call.out, `${version()}\n`)
  if (first === undefined || first === '--help' || first === '-h') return help([], call.out)
  if (first === 'help') return help(rest, call.out)
  if (first.startsWith('-')) throw new UsageError(`unknown option '${first}' (see os-ipc --help)`)
  const command = await find(first)
  const { parseCommandLine } = await import('./parse.js')
  const { options, operands } = parseCommandLine(command, rest)
  if (options.help) return help([first], call.out)
  return command.run({ ...call, options, operands })
}

/** @param {string[]} words @param {import('./terminal.js').Terminal} out */
async function help([name], out) {
  const { commandHelp, overview } = await import('./help.js')
  return print(out, name === undefined ? overview(await allCommands(), out) : commandHelp(await find(name), out))
}

/** @param {string} name */
async function find(name) {
  const command = await commandNamed(name)
  if (!command) throw new UsageError(`unknown command '${name}' (see os-ipc --help)`)
  return command
}

/**
 * @param {import('./terminal.js').Terminal} out
 * @param {string} text
 */
function print(out, text) {
  out.write(text)
  return exitCodes.done
}

/**
 * @param {unknown} error
 * @param {string[]} words
 * @param {import('./terminal.js').Terminal} err
 */
function report(error, words, err) {
  const who = names.includes(words[0]) ? `os-ipc ${words[0]}` : 'os-ipc'
  const text = error instanceof Error ? error.message : String(error)
  if (process.env.OS_IPC_DEBUG && error instanceof Error) err.write(`${error.stack}\n`)
  else err.write(`${who}: ${told(text, error)}\n`)
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}

/** In one line, with what can be done about it. @param {string} text @param {unknown} error */
function told(text, error) {
  const { hint } = /** @type {{ hint?: unknown }} */ (Object(error))
  return `${text.split('\n')[0]}${typeof hint === 'string' ? ` (${hint})` : ''}`
}

/**
 * Ends this process by the signal itself, so that a shell sees what happened.
 * @param {NodeJS.Signals} name
 */
function dieBy(name) {
  process.removeAllListeners(name)
  process.kill(process.pid, name)
}

function version() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
