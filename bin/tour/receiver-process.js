import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('receiver.js', import.meta.url))

/**
 * @typedef {{ bytes: number, messages: number, sha256: string, seconds: number }} Received
 * @typedef {{ fds?: number[], details?: object }} Setup `fds` become 4, 5, … in the receiver; `details` reach `receive`.
 *
 * @typedef {object} ReceiverProcess
 * @property {import('node:child_process').ChildProcess} child
 * @property {() => void} start Starts the clock: the next thing is the first byte.
 * @property {() => Promise<Received>} result Settles when the receiver has seen the end and hashed.
 */

/**
 * The command that receives by `transport`, for those who start it themselves.
 * @param {string} transport
 * @param {import('./file.js').SourceFile} file
 * @param {object} [details]
 */
export function receiverCommand(transport, { size, inMemory }, details = {}) {
  return [process.execPath, script, JSON.stringify({ transport, file: { size, inMemory }, details })]
}

/**
 * @param {string} transport
 * @param {import('./file.js').SourceFile} file
 * @param {AbortSignal} signal Ends the receiver.
 * @param {Setup} setup
 * @returns {Promise<ReceiverProcess>}
 */
export async function startReceiver(transport, file, signal, { fds = [], details }) {
  const [command, ...words] = receiverCommand(transport, file, details)
  const child = spawn(command, words, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', ...fds],
    serialization: 'advanced',
    signal,
    killSignal: 'SIGKILL',
  })
  const lastWords = collect(/** @type {import('node:stream').Readable} */ (child.stderr))
  const failure = new Promise((_, reject) => {
    child.on('error', reject)
    child.once('close', (code, killer) => reject(new Error(`the receiver ended (${killer ?? code})${lastWords()}`)))
  })
  // It ends sooner or later; that is a failure only to those who wait for its word.
  failure.catch(() => {})
  /** @type {Promise<any>} */
  const result = new Promise((resolve) => {
    child.on('message', (/** @type {any} */ message) => message.result && resolve(message.result))
  })
  await Promise.race([once(child, 'message'), failure])
  let start = 0n
  return {
    child,
    start() {
      start = process.hrtime.bigint()
    },
    async result() {
      const { began, ended, ...received } = await Promise.race([result, failure])
      return { ...received, seconds: Number(BigInt(ended) - start) / 1e9 }
    },
  }
}

/** @param {import('node:stream').Readable} stream */
function collect(stream) {
  let text = ''
  stream.setEncoding('utf8').on('data', (piece) => {
    text = (text + piece).slice(-4096)
  })
  return () => {
    const line = text.split('\n').find((candidate) => candidate.includes('Error'))
    return line ? `: ${line.trim()}` : ''
  }
}
