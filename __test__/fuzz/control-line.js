/** The control line of a channel, and the meeting of two: frames of a letter and JSON, with descriptors of any kind. */
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { Channel, ChannelListener, pipe, SharedMemory, UnixListener, UnixSocket } from '../../index.js'
import native from '../../lib/load.js'
import { inside } from '../support/inside.js'
import { anything, mutated, written } from './json.js'
import { outcome } from './outcome.js'

const { coreOf } = inside['handle.js']

/** @typedef {import('../faults/harness/random.js').Random} Random */

const BODIES = {
  H: { version: 1, codec: 'bytes', checksum: false, ports: 1 },
  S: { side: 1 },
  X: { sequence: 1, handles: [{ kind: 'pipe-reader', fds: 1, meta: {} }] },
  D: { sequence: 1 },
  E: { code: 'ERR_IPC_LIMIT', message: 'no' },
  M: { sequence: 2 },
}

/** @param {Random} random */
function frame(random) {
  const letter = random.pick(Object.keys(BODIES))
  const body = /** @type {any} */ (BODIES)[letter]
  const said = random.chance(0.2) ? body : random.chance(0.1) ? anything(random) : mutated(body, random)
  return `${random.chance(0.05) ? random.pick(['', 'Z', '{', '\u0000']) : letter}${written(said, random)}`.slice(
    0,
    60_000,
  )
}

/** Descriptors of several kinds, which stay this one's. */
function box() {
  const memory = SharedMemory.create(4096)
  const { reader, writer } = pipe()
  const file = openSync('/dev/null', 'r')
  return {
    fds: [memory.fd, reader.fd, writer.fd, file],
    close() {
      for (const handle of [memory, reader, writer]) handle.close()
      closeSync(file)
    },
  }
}

/** @param {Random} random @param {number[]} fds */
const some = (random, fds) => Array.from({ length: random.integer(0, 4) }, () => random.pick(fds))

export const control = {
  about: 'frames of a channel’s control line',
  begin() {
    const { fds, close } = box()
    return {
      /** @param {Random} random */
      async one(random) {
        const [enemy, victim] = Channel.pair({ capacity: 4096 })
        const [theirs, ours] = /** @type {any[]} */ ([coreOf(enemy), coreOf(victim)])
        theirs.ready()
        ours.ready()
        const waiting = random.chance(0.5) ? outcome(() => victim.recv({ timeout: 5 })) : undefined
        for (let count = random.integer(1, 6); count > 0; count--) {
          await outcome(() => native.controlSend(theirs.control.id, frame(random), some(random, fds)))
          if (random.chance(0.5)) await outcome(() => enemy.trySend('x'))
          if (random.chance(0.5)) await outcome(() => victim.tryRecv())
          if (random.chance(0.3)) await outcome(() => victim.trySend('x'))
          if (random.chance(0.1)) await outcome(() => victim.recvSync({ timeout: 1 }))
          if (random.chance(0.1)) enemy.close()
        }
        await waiting
        await outcome(() => victim.recv({ timeout: 1 }))
        await outcome(() => victim.flush({ timeout: 1 }))
        victim.close()
        enemy.close()
      },
      close,
    }
  },
}

export const hello = {
  about: 'what a listener of channels is told',
  begin() {
    const { fds, close } = box()
    const address = `@os-ipc-fuzz-hello-${process.pid}`
    const listener = ChannelListener.listen(address)
    return {
      /** @param {Random} random */
      async one(random) {
        const socket = await UnixSocket.connect(address, { type: 'seqpacket' })
        for (let count = random.integer(0, 3); count > 0; count--) {
          await outcome(() => socket.trySend(frame(random), { fds: some(random, fds) }))
        }
        const accepting = random.chance(0.5) ? outcome(() => listener.accept({ timeout: 1 })) : undefined
        if (random.chance(0.3)) socket.close()
        await outcome(() => listener.tryAccept()?.close())
        ;(await accepting)?.close()
        socket.close()
        if (random.chance(0.1)) {
          const [channel, other] = await Promise.all([Channel.connect(address), listenUntil(listener)])
          assert.ok(channel.peer)
          channel.close()
          other.close()
        }
      },
      close() {
        listener.close()
        close()
      },
    }
  },
}

/** The channel of somebody honest: others may have met before him, and gone. @param {ChannelListener} listener */
async function listenUntil(listener) {
  for (;;) {
    const channel = await listener.accept({ timeout: 5000 })
    if (channel.peer?.pid === process.pid && (await outcome(() => channel.send('x'))) !== null) return channel
    channel.close()
  }
}

export const answer = {
  about: 'what a listener of channels may answer',
  begin() {
    const { fds, close } = box()
    const address = `@os-ipc-fuzz-answer-${process.pid}`
    const listener = UnixListener.listen(address, { type: 'seqpacket' })
    return {
      /** @param {Random} random */
      async one(random) {
        const connecting = outcome(() => Channel.connect(address, { timeout: 50 }))
        const socket = await listener.accept({ timeout: 5000 })
        const count = random.chance(0.5) ? 3 : random.integer(0, 4)
        await outcome(() =>
          socket.trySend(frame(random), { fds: Array.from({ length: count }, () => random.pick(fds)) }),
        )
        socket.close()
        const channel = await connecting
        channel?.close()
      },
      close() {
        listener.close()
        close()
      },
    }
  },
}

const KINDS = [
  ...['pipe-reader', 'pipe-writer', 'shared-memory', 'unix-socket', 'unix-listener', 'file-lock', 'process', 'channel'],
  ...[
    'posix-queue',
    'posix-semaphore',
    'sysv-queue',
    'sysv-semaphores',
    'topic',
    'mutex',
    'rwlock',
    'condition',
    'barrier',
  ],
]
const META = {
  id: 1,
  name: null,
  size: 10,
  offset: 0,
  length: 5,
  readOnly: true,
  path: '/x',
  pid: 1,
  side: 0,
  uid: 0,
  gid: 0,
  parties: 2,
}

export const handles = {
  about: 'handles that come with messages, and what is said of them',
  begin() {
    const { fds, close } = box()
    return {
      /** @param {Random} random */
      async one(random) {
        const [enemy, victim] = Channel.pair()
        const [theirs, ours] = /** @type {any[]} */ ([coreOf(enemy), coreOf(victim)])
        theirs.ready()
        ours.ready()
        const { control: line, outgoing } = theirs
        const entries = Array.from({ length: random.integer(0, 3) }, () => {
          const entry = { kind: random.pick(KINDS), fds: random.integer(0, 2), meta: mutated(META, random) }
          // Names that are fit would make things of that name.
          if (typeof entry.meta?.name === 'string' && !entry.meta.name.includes('/')) entry.meta.name += '/'
          return random.chance(0.7) ? entry : mutated(entry, random)
        })
        const given = Array.from({ length: random.integer(0, 5) }, () => random.pick(fds))
        const body = random.chance(0.9)
          ? { sequence: 1, handles: entries }
          : mutated({ sequence: 1, handles: entries }, random)
        await outcome(() => native.controlSend(line.id, `X${JSON.stringify(body)}`.slice(0, 60_000), given))
        announce(outgoing, 1, random.chance(0.9) ? entries.length : random.integer(0, 99))
        enemy.trySend('x')
        const envelope = await outcome(() => victim.recvEnvelope({ timeout: 50 }))
        const taken = random.chance(0.9) ? await outcome(() => envelope?.takeHandles()) : undefined
        for (const handle of taken ?? []) handle.close()
        const dispose = /** @type {any} */ (envelope)?.[Symbol.dispose ?? Symbol.for('nodejs.dispose')]
        dispose?.call(envelope)
        victim.close()
        enemy.close()
      },
      close,
    }
  },
}

/** The record that says which frame the next message's handles are in. @param {any} outgoing @param {number} sequence @param {number} count */
function announce(outgoing, sequence, count) {
  const at = (outgoing.tail & outgoing.mask) >> 2
  outgoing.int32.set([(4 << 28) | 8, 0, sequence, count], at)
  outgoing.publish((outgoing.tail + 16) | 0)
}
