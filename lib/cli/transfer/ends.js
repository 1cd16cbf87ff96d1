/**
 * The two ends of each transport, in one form.
 *
 * @typedef {object} End
 * @property {(data: Buffer) => Promise<void>} [send]
 * @property {() => Promise<Received | null>} [recv] null at the end
 * @property {boolean} [bytes] a stream of bytes, whose pieces mean nothing
 * @property {() => void | Promise<void>} close
 *
 * @typedef {{ data: Buffer } & Record<string, unknown>} Received
 *
 * @typedef {'bytes' | 'json' | 'structured'} Codec
 *
 * @typedef {object} Wishes
 * @property {number} timeout
 * @property {AbortSignal} signal
 * @property {number} [priority]
 * @property {number} [type]
 * @property {number} history
 * @property {Codec} codec of channels
 * @property {boolean} create
 * @property {boolean} listen
 * @property {(text: string) => void} tell to the person, not to whoever reads the output
 */
import { lstatSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { UsageError } from '../command.js'
import { visible } from '../escape.js'

/** @typedef {typeof import('../../../index.js')} Package */

/**
 * @param {import('./address.js').Address} address
 * @param {'send' | 'recv'} way
 * @param {Wishes} wishes
 * @returns {Promise<End>}
 */
export async function openEnd(address, way, wishes) {
  const ipc = await import('../../../index.js')
  return ends[address.transport](ipc, address.name, way, wishes)
}

/** @type {Record<import('./address.js').Transport, (ipc: Package, name: string, way: 'send' | 'recv', wishes: Wishes) => Promise<End>>} */
const ends = {
  async mq({ PosixMessageQueue }, name, way, { priority, create, ...wait }) {
    const access = way === 'send' ? 'w' : 'r'
    const queue = PosixMessageQueue.open(name.startsWith('/') ? name : `/${name}`, { create, access })
    return {
      send: (data) => queue.send(data, { priority, ...waitOf(wait) }),
      recv: async () => ({ ...(await queue.recv(waitOf(wait))) }),
      close: () => queue.close(),
    }
  },

  async 'sysv-queue'({ SysvMessageQueue }, name, way, { type, create, ...wait }) {
    const queue = /^0x[0-9a-f]{1,8}$/i.test(name)
      ? SysvMessageQueue.open(Number.parseInt(name, 16) | 0, {
          create,
          mode: create ? 0o600 : way === 'send' ? 0o200 : 0o400,
        })
      : SysvMessageQueue.fromId(number(name, 'an id, or a key as 0x…'))
    return {
      send: (data) => queue.send(data, { type, ...waitOf(wait) }),
      recv: async () => ({ ...(await queue.recv({ type, ...waitOf(wait) })) }),
      close: () => queue.close(),
    }
  },

  async fifo({ Fifo }, name, way, { create, ...wait }) {
    const fifo = create ? Fifo.create(name, { exclusive: false }) : Fifo.at(name)
    if (way === 'send') {
      const writer = await fifo.openWriter(waitOf(wait))
      return { bytes: true, send: (data) => writer.send(data, waitOf(wait)), close: () => writer.close() }
    }
    const reader = await fifo.openReader(waitOf(wait))
    return { bytes: true, recv: async () => wrapped(await reader.recv(waitOf(wait))), close: () => reader.close() }
  },

  stream: (ipc, name, way, wishes) => socket(ipc, name, 'stream', wishes),
  seqpacket: (ipc, name, way, wishes) => socket(ipc, name, 'seqpacket', wishes),

  async datagram({ UnixSocket }, name, way, wishes) {
    if (way === 'send') {
      const socket = await UnixSocket.connect(name, { type: 'datagram', ...waitOf(wishes) })
      return { send: (data) => socket.send(data, waitOf(wishes)), close: () => socket.close() }
    }
    const socket = UnixSocket.bind(name, { onStale: 'replace' })
    return {
      recv: async () => told(await socket.recv(waitOf(wishes))),
      close() {
        socket.close()
        removeFile(name)
      },
    }
  },

  async channel({ Channel, ChannelListener }, name, _way, { listen, codec, ...wait }) {
    /** @type {{ codec: any }} */
    const terms = { codec }
    const channel = listen
      ? await accepting(ChannelListener.listen(name, { onStale: 'replace', ...terms }), name, wait)
      : await Channel.connect(name, { ...terms, ...waitOf(wait) })
    const plain = codec === 'bytes'
    return {
      send: async (data) => channel.send(plain ? data : parsed(data, codec), waitOf(wait)),
      async recv() {
        const message = await channel.recv(waitOf(wait))
        return message === null || plain ? wrapped(message) : ofValue(message)
      },
      close: () => (channel.closed ? undefined : channel.end({ timeout: 1_000 }).catch(() => channel.close())),
    }
  },

  async topic({ Topic }, name, way, { create, history, ...wait }) {
    // To open one is to make it.
    if (!create && !isThere(name)) throw new Error(`ENOENT: there is no topic ${visible(name)} (--create makes it)`)
    const topic = Topic.open(name)
    const plain = topic.codec === 'bytes'
    if (way === 'send') {
      return {
        send: (data) => topic.publish(plain ? data : parsed(data, topic.codec), waitOf(wait)),
        close: () => topic.close(),
      }
    }
    const subscription = await topic.subscribe({ history, ...waitOf(wait) })
    topic.close()
    return {
      async recv() {
        const message = await subscription.recv(waitOf(wait))
        return message === null || plain ? wrapped(message) : ofValue(message)
      },
      close: () => subscription.close(),
    }
  },

  async pid({ Endpoint }, name, way, wishes) {
    const endpoint = Endpoint.open()
    const own = way === 'recv' && (name === '' || name === 'self')
    const pid = own ? undefined : number(name, 'the number of a process')
    if (way === 'recv') wishes.tell(`this is pid:${endpoint.pid}`)
    return {
      send: (data) => endpoint.send(Number(pid), data, waitOf(wishes)),
      async recv() {
        const { from, data, credentials } = await endpoint.recv({ ...waitOf(wishes), ...(pid ? { from: pid } : {}) })
        return { data, from, uid: credentials.uid }
      },
      close: () => endpoint.close(),
    }
  },
}

/** @param {Package} ipc @param {string} name @param {'stream' | 'seqpacket'} type @param {Wishes} wishes @returns {Promise<End>} */
async function socket({ UnixListener, UnixSocket }, name, type, wishes) {
  const connection = wishes.listen
    ? await accepting(UnixListener.listen(name, { type, onStale: 'replace' }), name, wishes)
    : await UnixSocket.connect(name, { type, ...waitOf(wishes) })
  return {
    bytes: type === 'stream',
    send: (data) => connection.send(data, waitOf(wishes)),
    recv: async () => told(await connection.recv(waitOf(wishes))),
    close: () => connection.close(),
  }
}

/**
 * One who connects; then nobody else is waited for, and the file goes.
 * @template C
 * @param {{ accept(options: object): Promise<C>, close(): void }} listener
 * @param {string} name
 * @param {Pick<Wishes, 'timeout' | 'signal'>} wait
 */
async function accepting(listener, name, wait) {
  try {
    return await listener.accept(waitOf(wait))
  } finally {
    listener.close()
    removeFile(name)
  }
}

/** As Topic.open has it. @param {string} name */
function isThere(name) {
  const path = name.startsWith('@') ? `/dev/shm/os-ipc-topic.${name.slice(1)}` : name
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** @param {Buffer} data @param {string} codec */
function parsed(data, codec) {
  try {
    return JSON.parse(data.toString())
  } catch {
    throw new UsageError(`its codec is '${codec}': a message has to be JSON, such as '{"a":1}' or '"text"'`)
  }
}

/** @param {unknown} value */
function ofValue(value) {
  try {
    return { data: Buffer.from(String(JSON.stringify(value))), value }
  } catch {
    // What JSON does not know: BigInt, circles.
    return { data: Buffer.from(inspect(value, { depth: null, breakLength: Number.POSITIVE_INFINITY })) }
  }
}

/** Of a socket of our own. @param {string} name */
function removeFile(name) {
  if (!name.startsWith('@')) rmSync(resolve(name), { force: true })
}

/** @param {Pick<Wishes, 'timeout' | 'signal'>} wishes */
function waitOf({ timeout, signal }) {
  return { timeout, signal }
}

/** @param {Buffer | null} data */
function wrapped(data) {
  return data && { data }
}

/** @param {import('../../../index.js').SocketMessage | null} message */
function told(message) {
  if (!message) return null
  const { data, from, credentials } = message
  message[Symbol.dispose]()
  return {
    data,
    ...(from === null ? {} : { from }),
    ...(credentials && { pid: credentials.pid, uid: credentials.uid }),
  }
}

/** @param {string} text @param {string} what */
function number(text, what) {
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`'${text}' is not ${what}`)
  return Number(text)
}
