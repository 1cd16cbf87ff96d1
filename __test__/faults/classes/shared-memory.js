import { Buffer } from 'node:buffer'
import { SharedMemory } from '../../../index.js'
import { namesOf } from '../harness/held.js'
import { decode, encode, RECORD } from '../harness/numbers.js'
import { openedByFd } from '../harness/opened.js'

const names = namesOf(SharedMemory, '/')

/**
 * Shared memory: messages as a program may build them of it. Two words count what was sent and what was taken, some places
 * hold the messages, and whoever waits does so on one of the words. Both ends are handles of one memory.
 */
const SENT = 0
const TAKEN = 4
const FIRST = 64
const PLACES = 8
const SIZE = FIRST + PLACES * RECORD

/** @param {SharedMemory} memory @param {number} word */
const load = (memory, word) => memory.atomics.load('u32', word)
const place = (count) => FIRST + (count % PLACES) * RECORD

/** @param {SharedMemory} memory @returns {Buffer | undefined} */
function take(memory) {
  for (;;) {
    const taken = load(memory, TAKEN)
    if (load(memory, SENT) === taken) return undefined
    // Whoever else takes it meanwhile has it: the words tell.
    const data = memory.read(place(taken), RECORD)
    if (memory.atomics.compareExchange('u32', TAKEN, taken, taken + 1) !== taken) continue
    memory.notify(TAKEN)
    return data
  }
}

/** @param {SharedMemory} memory @param {any} data @returns {boolean} whether there was room */
function put(memory, data) {
  const sent = load(memory, SENT)
  if (sent - load(memory, TAKEN) === PLACES) return false
  memory.write(data, place(sent))
  memory.atomics.store('u32', SENT, sent + 1)
  memory.notify(SENT)
  return true
}

/** The time is over. */
function timedOut() {
  return Object.assign(new Error('The time is over'), { code: 'ETIMEDOUT' })
}

/** How long is left of a time, asked again and again. */
function clock({ timeout = Number.POSITIVE_INFINITY } = {}) {
  const end = performance.now() + timeout
  return () => Math.max(0, end - performance.now())
}

/**
 * Does what can be done at once, or waits upon a word until it can. What has come counts more than the time that is over.
 * @template T
 * @param {SharedMemory} memory
 * @param {number} word
 * @param {() => T | undefined} attempt
 * @param {{ timeout?: number, signal?: AbortSignal }} options
 * @param {number} [slice] the longest wait
 */
async function when(memory, word, attempt, options, slice = Number.POSITIVE_INFINITY) {
  options?.signal?.throwIfAborted()
  const left = clock(options)
  for (;;) {
    const before = load(memory, word)
    const done = attempt()
    if (done !== undefined) return done
    const timeout = left()
    if (timeout === 0) throw timedOut()
    await memory.wait(word, before, { ...options, timeout: Math.min(timeout, slice) })
  }
}

/** @template T @param {SharedMemory} memory @param {number} word @param {() => T | undefined} attempt @param {{ timeout?: number }} [options] */
function whenSync(memory, word, attempt, options) {
  const left = clock(options)
  for (;;) {
    const before = load(memory, word)
    const done = attempt()
    if (done !== undefined) return done
    const timeout = left()
    if (timeout === 0) throw timedOut()
    memory.waitSync(word, before, { timeout })
  }
}

const sending = (memory, data) => () => put(memory, data) || undefined
const taking = (memory) => () => take(memory)

/** The last send of each handle: those who wait for room go in order. @type {WeakMap<SharedMemory, Promise<unknown>>} */
const sends = new WeakMap()

/** @param {SharedMemory} sender @param {any} data @param {{ timeout?: number, signal?: AbortSignal }} [options] */
async function send(sender, data, options = {}) {
  const bytes = copyOf(data)
  const { timeout, ...rest } = options
  const left = clock(options)
  const sent = (sends.get(sender) ?? Promise.resolve())
    .catch(() => {})
    .then(() => when(sender, TAKEN, sending(sender, bytes), { ...rest, timeout: timeout && left() }))
  sends.set(sender, sent)
  return sent
}

function pairOf() {
  const sender = SharedMemory.create(SIZE)
  try {
    return { sender, receiver: sender.dup() }
  } catch (error) {
    sender.close()
    throw error
  }
}

/** Bytes as of now, for a send that has to wait. */
function copyOf(data) {
  const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data
  return Buffer.from(new Uint8Array(bytes))
}

export default {
  name: 'shared-memory',
  stream: false,
  /** There is nothing that tells of an end. */
  ends: false,
  /** The kernel wakes all who wait, who then take in any order. */
  unordered: true,
  /** One message can hold several numbers. */
  batches: false,
  divides: false,
  /** Each wait has a thread of its own, of which a process has 1,024. */
  threads: true,
  most: 500,
  mostWaits: 1000,
  encode,
  decode,
  much: {},
  /** Calls that an open makes, and how they fail. */
  failingCalls: {
    memfd_create: ['EMFILE', 'ENFILE', 'ENOMEM'],
    fallocate: ['ENOSPC', 'ENOMEM'],
    ftruncate: ['ENOMEM'],
  },

  send,
  trySend: (sender, data) => put(sender, data),
  fill(sender) {
    while (put(sender, Buffer.alloc(RECORD)));
  },
  sendSync: (sender, data, options) => whenSync(sender, TAKEN, sending(sender, data), options),

  /** Each gives the numbers received. */
  receives: {
    recv: async (receiver, options) => decode(await when(receiver, SENT, taking(receiver), options)),
    inSlices: async (receiver, options) => decode(await when(receiver, SENT, taking(receiver), options, 5)),
  },
  tryRecv(receiver) {
    const data = take(receiver)
    return data && decode(data)
  },
  recvSync: (receiver, options) => decode(whenSync(receiver, SENT, taking(receiver), options)),
  /** A wait with nothing around it. */
  begin: (receiver) => receiver.wait(SENT, load(receiver, SENT)),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    return {
      buffer: () => receiver.buffer,
      sharedBuffer: () => receiver.sharedBuffer,
      read: () => receiver.read(0, 8),
      write: () => sender.write('x'),
      wait: () => receiver.wait(SENT, 0),
      'wait that never waits': () => receiver.wait(SENT, 0, { timeout: 0 }),
      waitSync: () => receiver.waitSync(SENT, 0, { timeout: 0 }),
      notify: () => sender.notify(SENT),
      'atomics.load': () => receiver.atomics.load('i32', 0),
      'atomics.add': () => sender.atomics.add('u64', 8, 1n),
      'atomics.compareExchange': () => sender.atomics.compareExchange('i32', 0, 0, 1),
      seals: () => receiver.seals,
      seal: () => sender.seal('grow'),
      readOnlyFd: () => sender.readOnlyFd(),
      resize: () => sender.resize(2 * SIZE),
      flush: () => sender.flush(),
      pin: () => sender.pin(),
      unpin: () => sender.unpin(),
      advise: () => sender.advise('normal'),
      stat: () => sender.stat(),
      set: () => sender.set({}),
      unlink: () => sender.unlink(),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
    }
  },

  names: {
    place: names.newName,
    make: (name) => SharedMemory.open(name, { create: true, exclusive: true, size: SIZE }),
    drop: names.drop,
  },

  /** Waits that have a thread of the package's each. */
  onThreads: ({ receiver }) => [receiver.wait(SENT, load(receiver, SENT)), receiver.wait(TAKEN, load(receiver, TAKEN))],

  async open() {
    const { sender, receiver } = pairOf()
    return openedByFd(sender, receiver)
  },

  async offer() {
    const near = SharedMemory.create(SIZE)
    return { fds: [near.fd], meet: async () => near }
  },

  async join() {
    return SharedMemory.fromFd(3)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const ends = await this.open(context)
    const { signal } = new AbortController()
    const { receiver, sender } = ends
    const pending = [
      receiver.wait(SENT, 0),
      receiver.wait(SENT, 0, { signal }),
      receiver.wait(TAKEN, 0, { timeout: 600_000 }),
      sender.wait(SENT, 0, { timeout: 600_000, signal }),
      sender.wait(TAKEN, 0),
      sender.wait(FIRST, 0),
    ]
    return { pending, handles: [sender, receiver] }
  },
}
