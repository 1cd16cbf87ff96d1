/**
 * Finding each other by an address: a seqpacket socket, a hello, and the memory in answer.
 */
import { Buffer } from 'node:buffer'
import { constants } from 'node:os'
import { coded, timedOut } from '../errors.js'
import native from '../load.js'
import { UnixSocket } from '../unix-socket/socket.js'
import { waitOf } from '../validate.js'
import { Channel } from './channel.js'
import { closeAll, controlOf, wordOf } from './control.js'
import { ChannelCore } from './core.js'
import { CHECKSUM, CODEC, CODECS } from './layout.js'
import { ownSideOf, statedOf } from './options.js'
import { rebuilt } from './pair.js'

/** @typedef {import('./options.js').Options} Options */
/** @typedef {import('./options.js').Stated} Stated */

export const VERSION = 1
const LONGEST_FRAME = 64 * 1024

/**
 * @param {string} address
 * @param {Record<string, any>} given
 * @returns {Promise<Channel<any>>}
 */
export async function connect(address, given) {
  const stated = statedOf(given)
  const own = ownSideOf(given)
  const { timeout, signal } = waitOf(given)
  const deadline = performance.now() + timeout
  const socket = await UnixSocket.connect(address, { type: 'seqpacket', timeout, signal })
  try {
    await socket.send(frame('H', { version: VERSION, ...stated }))
    const left = timeout === Number.POSITIVE_INFINITY ? timeout : Math.max(0, deadline - performance.now())
    const answer = await socket.recv({ maxBytes: LONGEST_FRAME, timeout: left, signal })
    if (answer !== null) return joined(socket, answer, stated, own)
  } catch (error) {
    socket.close()
    const { code } = /** @type {any} */ (error)
    throw code === 'EPIPE' || code === 'ECONNRESET' ? hungUp(address, error) : error
  }
  socket.close()
  throw hungUp(address)
}

/** @param {string} address @param {unknown} [cause] */
function hungUp(address, cause) {
  return coded(Error, 'ECONNRESET', `ECONNRESET: the listener has hung up without an answer, connect '${address}'`, {
    errno: -constants.errno.ECONNRESET,
    syscall: 'connect',
    path: address,
    hint: 'it does not want this process (authorize), or has just ended',
    ...(cause === undefined ? {} : { cause }),
  })
}

/**
 * @param {UnixSocket} socket
 * @param {any} answer
 * @param {Stated} stated
 * @param {ReturnType<typeof ownSideOf>} own
 */
function joined(socket, answer, stated, own) {
  const { letter, body } = parsed(answer)
  const fds = answer.fds
  if (letter === 'E') {
    closeAll(fds)
    const [code, message] = [wordOf(body.code, 'ERR_IPC_VERSION'), wordOf(body.message, 'it does not say why')]
    throw coded(Error, code, `The listener refuses: ${message}`)
  }
  if (letter !== 'S' || fds.length !== 3) {
    closeAll(fds)
    throw coded(Error, 'ERR_IPC_VERSION', 'Whoever listens there speaks no version of the format of channels')
  }
  let control
  try {
    control = controlOf(socket)
  } catch (error) {
    closeAll(fds)
    throw error
  }
  control.setUp = { side: body.side === 1 ? 1 : 0, fds }
  control.peer = answer.credentials
  try {
    return rebuilt(control, stated, own)
  } catch (error) {
    control.close()
    throw error
  }
}

/** @param {string} letter @param {Record<string, unknown>} body */
export function frame(letter, body) {
  return letter + JSON.stringify(body)
}

/** @param {{ data: Buffer, truncated: boolean }} message @returns {{ letter: string, body: Record<string, any> }} */
export function parsed({ data, truncated }) {
  const text = data.toString()
  try {
    const body = truncated ? undefined : JSON.parse(text.slice(1))
    if (body !== null && typeof body === 'object') return { letter: text[0], body }
  } catch {
    // Whatever it is, it is no frame.
  }
  return { letter: '', body: {} }
}

/**
 * The listener's side: what is wrong with a hello, if anything.
 * @param {Options} options
 * @param {Record<string, any>} hello
 * @returns {{ code: string, message: string } | undefined}
 */
export function refusalOf({ flags }, { version, codec, checksum }) {
  if (version !== VERSION) {
    const theirs = typeof version === 'number' ? `version ${version}` : 'no version'
    return { code: 'ERR_IPC_VERSION', message: `${theirs} of the format is not version ${VERSION}` }
  }
  const ours = CODECS[flags & CODEC]
  if (codec !== undefined && codec !== ours) return { code: 'ERR_IPC_VERSION', message: `the codec is '${ours}'` }
  const checked = (flags & CHECKSUM) !== 0
  if (checksum !== undefined && checksum !== checked) {
    return { code: 'ERR_IPC_VERSION', message: `checksum is ${checked}` }
  }
  return undefined
}

/**
 * The listener's side: makes a channel and sends the other end of it, without waiting.
 * @param {UnixSocket} socket
 * @param {Options} options
 * @param {{ pid: number, uid: number, gid: number } | null} peer
 * @returns {Channel<any>}
 */
export function answered(socket, options, peer) {
  const [ours, theirs] = native.channelPair(options.capacity, options.maxMessageSize, options.flags)
  let control
  try {
    const sent = socket.trySend(frame('S', { side: 1 }), { fds: native.channelDescriptors(theirs.id) })
    // It has sent nothing yet, and has room for more than this.
    if (!sent) throw timedOut()
    control = controlOf(socket)
  } catch (error) {
    native.channelLeave(ours.id)
    throw error
  } finally {
    native.channelLeave(theirs.id)
  }
  control.peer = peer
  const core = new ChannelCore(ours, control, options)
  try {
    const channel = new Channel(core)
    core.ready()
    return channel
  } catch (error) {
    // The other side has its end by now, and sees this one go.
    core.close()
    throw error
  }
}
