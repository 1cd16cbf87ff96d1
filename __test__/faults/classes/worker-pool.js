import { fileURLToPath } from 'node:url'
import { PosixSemaphore, WorkerPool } from '../../../index.js'

/**
 * Pools of one worker: what waits is a task, which is served by a permit of a semaphore that the worker was given. A result that
 * is on its way when nobody wants it any more is dropped, so the rows about what must not be lost are not for it.
 */
const TASK = fileURLToPath(new URL('../harness/pool-task.js', import.meta.url))

/** It is this process's calls that fail, not the worker's. */
const ENVIRONMENT = { ...process.env, LD_PRELOAD: '' }

/** Numbers that were sent, by both ends. @type {WeakMap<object, number[]>} */
const given = new WeakMap()

/** @param {PosixSemaphore} sender @param {number} number */
function give(sender, number) {
  sender.release()
  given.get(sender)?.push(number)
}

/** What the worker of a pool waits for. @type {WeakMap<WorkerPool, PosixSemaphore>} */
const gates = new WeakMap()

/** What was at the bottom of it. @param {any} error */
function rootOf(error) {
  let root = error
  while (root.cause?.code !== undefined) root = root.cause
  return root
}

/**
 * A worker whose channel cannot be read any more is lost, and the permit that it may have taken with it. That is given anew,
 * and what is told is why the channel could not be read: a worker that is lost for no such reason has no excuse.
 * @param {WorkerPool} receiver @param {any} error
 */
function whyLost(receiver, error) {
  const root = rootOf(error)
  if (error.code !== 'ERR_IPC_PEER_DIED' || root.errno === undefined) return error
  const gate = gates.get(receiver)
  while (gate !== undefined && gate.value < given.get(receiver).length) gate.release()
  return root
}

export default {
  name: 'worker-pool',
  only: ['G1', 'G2', 'G6', 'G7', 'G8', 'g12-every-call', 'g12-out-of-descriptors', 'G19', 'L1'],
  stream: false,
  ends: false,
  once: true,
  /** Each has a process. */
  most: 20,
  leastCycles: 10,
  encode: (number) => number,

  send: async (sender, number) => give(sender, number),
  trySend: give,
  receives: {
    async recv(receiver, options) {
      try {
        await receiver.run(null, options)
      } catch (error) {
        throw whyLost(receiver, error)
      }
      return given.get(receiver)?.splice(0, 1)
    },
  },
  tryRecv: () => undefined,
  begin: (receiver) => receiver.run(null),

  calls: ({ sender, receiver }) => ({
    run: () => receiver.run(null),
    'run that never waits': () => receiver.run(null, { timeout: 0 }),
    'run that may be repeated': () => receiver.run(null, { retry: true }),
    detach: () => receiver.detach(),
    release: () => sender.release(),
  }),

  async open() {
    const sender = PosixSemaphore.open(null, { create: true })
    /** @type {WorkerPool | undefined} */
    let receiver
    try {
      receiver = WorkerPool.start(TASK, { size: 1, handles: { gate: sender }, env: ENVIRONMENT })
      gates.set(receiver, sender)
      // One that is closed at once leaves a process that has not begun yet: too many of them are too much.
      await receiver.run('begin')
      const numbers = []
      for (const end of [sender, receiver]) given.set(end, numbers)
      const { name } = sender
      let named = true
      return {
        sender,
        receiver,
        /** The worker has opened it by now. */
        unlink() {
          PosixSemaphore.unlink(name)
          named = false
        },
        close() {
          receiver.close()
          if (named) PosixSemaphore.unlink(name)
          sender.close()
        },
      }
    } catch (error) {
      receiver?.close()
      sender.unlink()
      sender.close()
      // Why its workers do not start.
      throw rootOf(error)
    }
  },

  async wait() {
    const { sender, receiver } = await this.open()
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.run(null), receiver.run(null, { signal }), receiver.run(null, { timeout: 600_000 }))
    }
    return { pending, handles: [sender, receiver] }
  },
}
