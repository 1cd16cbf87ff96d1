/**
 * Where callers come from: an address, a listener, or one connection that is there already.
 */
import { setTimeout } from 'node:timers/promises'
import { answered, frame, parsed, refusalOf } from '../channel/connect.js'
import { optionsOf } from '../channel/options.js'
import { invalidState } from '../errors.js'
import { ChannelLink } from './links/channel.js'
import { PacketLink } from './links/packets.js'
import { StreamLink } from './links/stream.js'

/** @typedef {import('./server-core.js').ServerCore} ServerCore */
/** @typedef {import('../channel/channel.js').Channel<any>} Channel */
/** @typedef {import('../channel/listener.js').ChannelListener} ChannelListener */
/** @typedef {import('../unix-socket/listener.js').UnixListener} UnixListener */
/** @typedef {import('../unix-socket/socket.js').UnixSocket} UnixSocket */
/** @typedef {import('../unix-socket/message.js').Credentials} Credentials */
/** @typedef {{ codec: 'json' | 'structured', authorize: ((peer: Credentials) => boolean) | undefined }} Terms */

/** Milliseconds until accepting is tried again after it has failed: at the limit of descriptors, as a rule. */
const PAUSE = 100
const LONGEST_HELLO = 64 * 1024

/** What v8.deserialize makes of a stranger's bytes is not to be trusted. */
const STRANGER = { code: 'ERR_IPC_UNTRUSTED_OWNER', message: "the codec 'structured' is for processes of one user" }

/** What the first packet of one who wants a channel begins with. */
const HELLO = 'H'.charCodeAt(0)

/** @typedef {import('./links/link.js').Link} Link */

/** Links of channels, which may have a server and a client, and of sockets. @type {WeakMap<object, Link>} */
const links = new WeakMap()

/** @param {Channel} channel */
export function linkOf(channel) {
  let link = links.get(channel)
  if (link === undefined) {
    link = new ChannelLink(channel)
    links.set(channel, link)
    link.start()
  }
  return link
}

/** @param {UnixSocket} socket */
export function socketLink(socket) {
  if (links.has(socket)) throw invalidState('The socket has a client already')
  const link = /** @type {any} */ (socket).type === 'stream' ? new StreamLink(socket) : new PacketLink(socket)
  links.set(socket, link)
  link.start()
  return link
}

/** @param {ServerCore} core @param {ChannelListener} listener @param {Terms} terms */
export function acceptChannels(core, listener, terms) {
  serveFrom(core, listener, (channel) => {
    if (!welcome(core, terms, channel.peer)) return channel.close()
    core.admit(linkOf(channel))
  })
}

/** @param {ServerCore} core @param {UnixListener} listener @param {Terms} terms */
export function acceptSockets(core, listener, terms) {
  const isStream = /** @type {any} */ (listener).type === 'stream'
  serveFrom(core, listener, (socket) => {
    if (!welcome(core, terms, socket.peer)) return socket.close()
    if (isStream) core.admit(socketLink(socket))
    else meet(core, socket, terms)
  })
}

/**
 * @param {ServerCore} core
 * @param {any} listener
 * @param {(one: any) => void} take
 */
async function serveFrom(core, listener, take) {
  listener.unref()
  core.stopListening = () => listener.close()
  while (!core.closed && !listener.closed) {
    let one
    try {
      one = await listener.accept()
    } catch {
      if (listener.closed) break
      // Not for ever, as a rule, and those who are here are served meanwhile.
      await setTimeout(PAUSE, undefined, { ref: false })
      continue
    }
    try {
      if (core.closed || core.draining) one.close()
      else take(one)
    } catch {
      one.close()
    }
  }
  // Nobody else comes, whoever has closed it.
  core.stopListening = undefined
  if (core.connections.size === 0 && !core.draining) core.rest()
}

/** @param {ServerCore} core @param {Terms} terms @param {Credentials | null} peer */
function welcome(core, { authorize }, peer) {
  if (core.connections.size >= core.maxConnections) return false
  if (authorize === undefined) return true
  try {
    return peer !== null && authorize(peer) === true
  } catch {
    return false
  }
}

/**
 * Who comes by packets may want a channel, as `Channel.connect` does, or go on with packets.
 * @param {ServerCore} core
 * @param {UnixSocket} socket
 * @param {Terms} terms
 */
async function meet(core, socket, terms) {
  socket.unref()
  core.closing.add(leave)
  function leave() {
    socket.close()
  }
  let first
  try {
    first = await socket.recv({ maxBytes: LONGEST_HELLO })
  } catch {
    // He has gone.
  } finally {
    core.closing.delete(leave)
  }
  if (first === null || first === undefined || core.closed || core.draining) {
    socket.close()
    return
  }
  try {
    if (first.data[0] !== HELLO) {
      const link = new PacketLink(socket)
      core.admit(link)
      link.handOn(first)
      link.start()
      return
    }
    const options = optionsOf(terms.codec === 'structured' ? { codec: 'structured' } : {})
    const { body } = parsed(first)
    const stranger = terms.codec === 'structured' && first.credentials?.uid !== process.getuid?.()
    const refusal = stranger ? STRANGER : refusalOf(options, body)
    if (refusal === undefined) {
      core.admit(linkOf(answered(socket, options, first.credentials)))
    } else {
      socket.trySend(frame('E', refusal))
      socket.close()
    }
  } catch {
    socket.close()
  }
}
