/**
 * Remote procedure calls: JSON-RPC 2.0 over channels and Unix sockets.
 */
import { Channel } from '../channel/channel.js'
import { ChannelListener } from '../channel/listener.js'
import { closedError, coded, invalidType, invalidValue } from '../errors.js'
import { UnixListener } from '../unix-socket/listener.js'
import { UnixSocket } from '../unix-socket/socket.js'
import { integer, objectOf, waitOf } from '../validate.js'
import { acceptChannels, acceptSockets, linkOf, socketLink } from './accepting.js'
import { RpcClient } from './client.js'
import { ClientCore } from './client-core.js'
import { RpcServer } from './server.js'
import { ServerCore } from './server-core.js'

/** @typedef {import('./running.js').Method} Method */
/** @typedef {import('./links/link.js').Link} Link */

const WHERE_TO_SERVE = 'an address, a Channel, a ChannelListener or a UnixListener'
const WHERE_TO_CONNECT = 'an address, a Channel or a UnixSocket'

/** @param {any} target @param {object} methods @param {Record<string, any>} [options] @returns {RpcServer} */
function serve(target, methods, options) {
  const table = tableOf(methods)
  const given = objectOf(options)
  const { concurrency = Number.POSITIVE_INFINITY, maxConnections = Number.POSITIVE_INFINITY, authorize } = given
  const codec = codecOf(given)
  const { mode, onStale, handshakeTimeout } = given
  if (concurrency !== Number.POSITIVE_INFINITY) integer('options.concurrency', concurrency, 1)
  if (maxConnections !== Number.POSITIVE_INFINITY) integer('options.maxConnections', maxConnections, 1)
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw invalidType('options.authorize', 'of type function', authorize)
  }
  const limits = { concurrency, maxConnections }
  const begun = () => new ServerCore(table, methods, limits)
  if (target instanceof Channel) {
    const link = linkTo(target, codec)
    if (link.server !== undefined) throw coded(Error, 'ERR_INVALID_STATE', 'The channel has a server already')
    const core = begun()
    core.admit(link)
    return new RpcServer(core)
  }
  let listener = target
  const terms = { codec: codec ?? 'json', authorize }
  if (typeof target === 'string') {
    const own = { mode, onStale, handshakeTimeout, maxConnections, ...(authorize && { authorize }) }
    listener = ChannelListener.listen(target, { ...own, codec: codec === 'structured' ? codec : 'bytes' })
    terms.authorize = undefined
  }
  if (!(listener instanceof ChannelListener || listener instanceof UnixListener)) {
    throw invalidType('target', WHERE_TO_SERVE, target)
  }
  // Nobody will ever come, and a server keeps its process alive.
  if (listener.closed) throw closedError()
  const core = begun()
  if (listener instanceof ChannelListener) acceptChannels(core, listener, terms)
  else acceptSockets(core, listener, terms)
  return new RpcServer(core)
}

/** @param {any} target @param {Record<string, any>} [options] @returns {Promise<RpcClient>} */
async function connect(target, options) {
  const given = objectOf(options)
  const codec = codecOf(given)
  const wait = waitOf(given)
  if (wait.signal?.aborted) throw wait.signal.reason
  if (typeof target === 'string') return clientOf(await linkAt(target, codec, wait))
  if (target instanceof Channel) {
    const link = linkTo(target, codec)
    if (link.client?.deref() !== undefined) {
      throw coded(Error, 'ERR_INVALID_STATE', 'The channel has a client already')
    }
    return clientOf(link)
  }
  if (target instanceof UnixSocket) {
    refuseStructured(codec)
    if (target.closed) throw closedError()
    const { type } = /** @type {any} */ (target)
    if (type === 'datagram') throw invalidValue('target', target, 'must be of the type stream or seqpacket')
    return clientOf(socketLink(target))
  }
  throw invalidType('target', WHERE_TO_CONNECT, target)
}

/**
 * An address is that of channels; where a stream socket listens, the kernel says so.
 * @param {string} address
 * @param {'json' | 'structured' | undefined} codec
 * @param {import('../validate.js').Wait} wait
 * @returns {Promise<Link>}
 */
async function linkAt(address, codec, wait) {
  const deadline = performance.now() + wait.timeout
  let channel
  try {
    channel = await Channel.connect(address, { timeout: wait.timeout, signal: wait.signal })
  } catch (error) {
    if (!isOfAnotherType(error, address)) throw error
    refuseStructured(codec)
    const timeout = wait.timeout === Number.POSITIVE_INFINITY ? wait.timeout : Math.max(0, deadline - performance.now())
    return socketLink(await UnixSocket.connect(address, { type: 'stream', timeout, signal: wait.signal }))
  }
  try {
    return linkTo(channel, codec)
  } catch (error) {
    channel.close()
    throw error
  }
}

/**
 * Whether it may be a stream socket that listens there. Of names in the abstract namespace each type has its own, so that there
 * nobody listens as far as the kernel is concerned.
 * @param {any} error
 * @param {string} address
 */
function isOfAnotherType({ code }, address) {
  return code === 'EPROTOTYPE' || (code === 'ECONNREFUSED' && (address.startsWith('@') || address.startsWith('\0')))
}

/** @param {Link} link */
function clientOf(link) {
  return new RpcClient(new ClientCore(link))
}

/** @param {Channel<any>} channel @param {'json' | 'structured' | undefined} codec */
function linkTo(channel, codec) {
  if (channel.closed) throw closedError()
  const link = linkOf(channel)
  const structured = /** @type {any} */ (link).structured
  if (codec !== undefined && structured !== (codec === 'structured')) {
    throw coded(
      Error,
      'ERR_IPC_VERSION',
      structured
        ? "The channel's codec is 'structured', as the side that made it says, and not 'json'"
        : "The channel's codec is not 'structured', as the side that made it says",
    )
  }
  return link
}

/** @param {Record<string, any>} given @returns {'json' | 'structured' | undefined} */
function codecOf({ codec }) {
  if (codec !== undefined && codec !== 'json' && codec !== 'structured') {
    throw invalidValue('options.codec', codec, "must be 'json' or 'structured'")
  }
  return codec
}

/** @param {'json' | 'structured' | undefined} codec */
function refuseStructured(codec) {
  if (codec === 'structured') {
    throw coded(Error, 'ERR_IPC_NOT_SUPPORTED', "The codec 'structured' is for channels: on sockets frames are JSON")
  }
}

/**
 * Methods are found in a table of what is the object's own, so nobody calls what it inherits.
 * @param {unknown} methods
 * @returns {Map<string, Method>}
 */
function tableOf(methods) {
  if (methods === null || typeof methods !== 'object' || Array.isArray(methods)) {
    throw invalidType('methods', 'an object', methods)
  }
  const table = new Map()
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function') throw invalidType(`methods.${name}`, 'of type function', method)
    if (name.startsWith('$/'))
      throw invalidValue(`methods.${name}`, method, "must not have a name that begins with '$/'")
    table.set(name, method)
  }
  return table
}

export const rpc = Object.freeze({ serve, connect })
