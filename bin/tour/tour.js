import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodes, UsageError } from '../../lib/cli/command.js'
import { openFile } from './file.js'
import { startReceiver } from './receiver-process.js'
import { createReporter } from './reporter.js'
import { heading, summary, table } from './table.js'
import { transports } from './transports/index.js'

/**
 * @typedef {object} Row
 * @property {string} transport
 * @property {string} title
 * @property {boolean} ours
 * @property {number} [bytes]
 * @property {number} [seconds]
 * @property {number} [megabytesPerSecond]
 * @property {number} [messages]
 * @property {number} [messagesPerSecond]
 * @property {string} [sha256]
 * @property {boolean} equal
 * @property {{ code: string, message: string }} [error]
 */

/** A row that has not moved a byte for so long has failed. */
const stallLimit = 30_000

/** @param {import('../../lib/cli/command.js').Call} call */
export async function runTour({ options, operands, out, err, signal }) {
  const chosen = choose(options.only)
  const file = openFile(operands[0] ?? process.execPath)
  const versions = describeVersions()
  // A document on stdout leaves only stderr to tell how far things are.
  const reporter = createReporter(options.json ? err : out, options.json)
  if (!options.json) out.write(heading(file, versions, out))
  /** @type {Row[]} */
  const rows = []
  for (const transport of chosen) {
    reporter.begin(transport, file)
    const row = await runRow(transport, file, signal, reporter.progress)
    if (signal.aborted) {
      reporter.end()
      throw signal.reason
    }
    reporter.end(row)
    rows.push(row)
  }
  const equal = rows.every((row) => row.equal)
  if (options.json) {
    const { path, size, sha256 } = file
    out.write(`${JSON.stringify({ versions, file: { path, bytes: size, sha256 }, rows, equal }, null, 2)}\n`)
  } else {
    out.write(`\n${table(rows, out)}\n${summary(rows, out)}`)
  }
  return equal ? exitCodes.done : exitCodes.failed
}

/** @param {string[] | undefined} names */
function choose(names) {
  if (!names) return transports
  const unknown = names.find((name) => !transports.some((transport) => transport.name === name))
  if (unknown !== undefined) {
    throw new UsageError(`no transport '${unknown}': there are ${transports.map(({ name }) => name).join(', ')}`)
  }
  return transports.filter(({ name }) => names.includes(name))
}

/**
 * @param {import('./transports/index.js').Transport} transport
 * @param {import('./file.js').SourceFile} file
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} progress
 * @returns {Promise<Row>}
 */
async function runRow(transport, file, signal, progress) {
  const { name, title, ours } = transport
  const directory = mkdtempSync(join(tmpdir(), 'os-ipc-tour-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  // Even when an error that nobody expected ends the process.
  process.once('exit', remove)
  const row = new AbortController()
  const over = AbortSignal.any([signal, row.signal])
  const stall = setInterval(() => row.abort(stalled()), stallLimit)
  try {
    const received = await Promise.race([
      rejectionOf(over),
      transport.run(file, {
        directory,
        signal: over,
        receiver: (setup = {}) => startReceiver(name, file, over, setup),
        progress(bytes) {
          stall.refresh()
          progress(bytes)
        },
      }),
    ])
    return {
      transport: name,
      title,
      ours,
      ...rates(received),
      equal: received.bytes === file.size && received.sha256 === file.sha256,
    }
  } catch (error) {
    const { code, name: kind, message } = /** @type {NodeJS.ErrnoException} */ (error)
    return { transport: name, title, ours, equal: false, error: { code: code ?? kind, message } }
  } finally {
    clearInterval(stall)
    // Whatever the row has started ends with it.
    row.abort()
    process.off('exit', remove)
    remove()
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function rejectionOf(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function stalled() {
  return Object.assign(new Error(`nothing has moved for ${stallLimit / 1000} s`), { code: 'ETIMEDOUT' })
}

/** @param {import('./receiver-process.js').Received} received */
function rates({ bytes, messages, seconds, sha256 }) {
  return {
    bytes,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    messages,
    messagesPerSecond: messages / seconds,
    sha256,
  }
}

function describeVersions() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return { 'os-ipc': version, node: process.version, kernel: release(), platform: process.platform, arch: process.arch }
}
