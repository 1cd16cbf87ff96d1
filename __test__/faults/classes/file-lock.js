import { readSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { FileLock } from '../../../index.js'
import { opened } from '../harness/opened.js'
import { permits } from '../harness/permits.js'
import { pause, until } from '../harness/time.js'

/**
 * Locks of a file, as permits. Byte by byte they are given: the giver holds the next two and unlocks the first of them. The
 * file itself tells which one is to be taken next, and whoever holds that byte may write so. Those who wait do it one after
 * the other, each with a byte far behind for its turn.
 */
const TURN = 2 ** 40
const DIGITS = 12
/** Behind those of the next one: how many have been given, once somebody is there who gives. */
const GIVEN = DIGITS

/** @param {number} start */
const byte = (start) => ({ start, length: 1 })

/** @param {FileLock} lock */
function read(lock, at = 0) {
  // It says itself that it is closed.
  if (lock.closed) lock.tryLock()
  const digits = Buffer.alloc(DIGITS)
  return Number(digits.subarray(0, readSync(lock.fd, digits, 0, DIGITS, at)))
}

/** @param {FileLock} lock @param {number} number */
function write(lock, number, at = 0) {
  writeSync(lock.fd, String(number).padStart(DIGITS), at)
}

/** Whether the giver has gone, and with it what was never given. @param {FileLock} lock @param {number} place */
const isOver = (lock, place) => place >= read(lock, GIVEN)

/** Whether that byte is the next one, which it then has been. @param {FileLock} lock @param {number} place */
function takes(lock, place) {
  if (read(lock) !== place) return false
  write(lock, place + 1)
  return true
}

/** How long is left of a time, asked again and again. */
function remaining({ timeout = Number.POSITIVE_INFINITY } = {}) {
  const end = performance.now() + timeout
  return () => Math.max(0, end - performance.now())
}

/** @param {FileLock} lock @param {{ timeout?: number, signal?: AbortSignal }} [options] */
async function acquire(lock, options) {
  const left = remaining(options)
  const turn = await lock.lock({ ...options, ...byte(TURN) })
  try {
    for (;;) {
      const place = read(lock)
      const guard = await lock.lock({ ...options, ...byte(place), timeout: left() })
      try {
        // For ever, behind itself.
        if (isOver(lock, place)) await lock.lock({ ...options, ...byte(place), timeout: left() })
        if (takes(lock, place)) return
      } finally {
        guard.unlock()
      }
    }
  } finally {
    turn.unlock()
  }
}

/** @param {FileLock} lock @param {(place: number) => import('../../../index.js').MutexGuard | undefined} take */
function acquireBy(lock, take) {
  for (;;) {
    const place = read(lock)
    const guard = take(place)
    if (guard === undefined) return false
    try {
      if (isOver(lock, place)) return take(place) !== undefined
      if (takes(lock, place)) return true
    } finally {
      guard.unlock()
    }
  }
}

/** What each giver holds: the byte to be given next, and the one behind it. @type {WeakMap<FileLock, { place: number, guards: any[] }>} */
const givers = new WeakMap()

/** @param {FileLock} lock one that gives @param {number} [place] */
function giving(lock, place = 0) {
  const state = { place, guards: [lock.lockSync(byte(place))] }
  try {
    state.guards.push(lock.lockSync(byte(place + 1)))
  } catch (error) {
    state.guards[0].unlock()
    throw error
  }
  givers.set(lock, state)
  write(lock, place, GIVEN)
  const close = () => {
    for (const guard of state.guards.splice(0)) guard.unlock()
    FileLock.prototype.close.call(lock)
  }
  return Object.defineProperty(lock, 'close', { configurable: true, value: close })
}

/** @param {FileLock} lock */
function give(lock) {
  const state = givers.get(lock)
  if (state === undefined) throw new Error('It gives nothing')
  state.guards.push(lock.lockSync(byte(state.place + 2)))
  write(lock, ++state.place, GIVEN)
  state.guards.shift().unlock()
}

/** @param {import('../harness/context.js').Context} context */
function create(context) {
  const path = context.path()
  writeFileSync(path, '0'.padStart(DIGITS))
  return path
}

/** @param {string} path */
function pairOf(path) {
  let sender
  try {
    sender = FileLock.open(path)
    giving(sender)
    return { sender, receiver: FileLock.open(path) }
  } catch (error) {
    sender?.close()
    rmSync(path)
    throw error
  }
}

const kind = permits({
  name: 'file-lock',
  /** Whoever stands behind one that gives up has to go on by the microtask queue. */
  unordered: true,
  /** Guards hold on to theirs, whatever becomes of the handle. */
  descriptors: false,
  most: 100,
  /** Not openat: the runtime's threads load modules by as many of these. Being out of descriptors has a row of its own. */
  failingCalls: { openat: [], fcntl: ['ENOLCK', 'ENOMEM'] },

  acquires: {
    acquire: (lock, options) =>
      acquire(lock, options).catch(async (error) => {
        // The thread that the close has called off gives its descriptor back a moment later.
        if (error.code === 'ERR_IPC_CLOSED') await pause(20)
        throw error
      }),
  },
  tryAcquire: (lock) => acquireBy(lock, (place) => lock.tryLock(byte(place))),
  acquireSync: (lock, options) => {
    const left = remaining(options)
    return acquireBy(lock, (place) => lock.lockSync({ ...byte(place), timeout: left() }))
  },
  give,

  another: (end) => FileLock.prototype.dup.call(end),

  calls({ sender, receiver }) {
    return {
      lock: () => receiver.lock(),
      'lock of a range': () => receiver.lock({ start: 5, length: 5, shared: true }),
      'lock that never waits': () => receiver.lock({ timeout: 0 }),
      tryLock: () => receiver.tryLock(),
      lockSync: () => receiver.lockSync({ timeout: 0 }),
      with: () => receiver.with(() => {}),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      'lock of the sender': () => sender.lock(),
    }
  },

  onThreads({ receiver, sender }) {
    const place = givers.get(sender)?.place ?? 0
    return [receiver.lock(byte(place)), sender.lock(byte(place + 1))]
  },

  /** @param {import('../harness/context.js').Context} context */
  async open(context) {
    const path = create(context)
    const { sender, receiver } = pairOf(path)
    return {
      ...opened(sender, receiver, () => rmSync(path, { force: true })),
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, parcel: { path } }),
    }
  },

  /** @param {import('../harness/context.js').Context} context @param {'sender' | 'receiver'} side of the other process */
  async offer(context, side) {
    const path = create(context)
    const near = FileLock.open(path)
    if (side === 'receiver') giving(near)
    return {
      parcel: { path },
      async meet() {
        // Nothing is to be taken before the other process holds what it will give.
        if (side === 'sender') await until('the giver has come', () => statSync(path).size > GIVEN)
        return near
      },
    }
  },

  /** @param {{ path: string }} parcel @param {'sender' | 'receiver'} side */
  async join({ path }, side) {
    const near = FileLock.open(path)
    return side === 'sender' ? giving(near) : near
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 4; i++) {
      pending.push(receiver.lock({ signal }), receiver.lock({ timeout: 600_000, shared: true }))
      pending.push(receiver.lock({ ...byte(0), signal }), sender.lock(byte(i % 2)))
    }
    pending.push(receiver.with(() => {}))
    return { pending, handles: [sender, receiver] }
  },
})

export default {
  ...kind,
  /** Waits with nothing around them, for what is given next. */
  begin: (lock) => lock.lock(byte(read(lock))),

  /** How the whole file is held, by its path. */
  holdsFile: {
    open: (path) => FileLock.open(path),
    ways: {
      lock: (lock) => lock.lock(),
      lockSync: (lock) => lock.lockSync(),
      range: (lock) => lock.lock({ start: 5 }),
      shared: (lock) => lock.lock({ shared: true }),
    },
  },
}
