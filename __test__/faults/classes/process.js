import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ProcessHandle, pipe } from '../../../index.js'
import { opened } from '../harness/opened.js'

/**
 * Processes: what is waited for is the end of one, and what brings it about is a signal. Both ends are handles of one child,
 * which comes to its end by itself once this process has: its input ends then.
 */
const life = pipe()
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

async function begin() {
  const child = spawn('cat', { stdio: [life.reader.fd, 'ignore', 'ignore'] })
  if (child.pid === undefined) throw (await once(child, 'error'))[0]
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.unref()
  return { child, pid: child.pid }
}

/** What was sent, by the process that it ended. @type {Map<number, number>} */
const sent = new Map()

/** Ends it, if nobody has. @param {ProcessHandle} sender @param {number} number */
function end(sender, number) {
  try {
    sender.send('SIGKILL')
    sent.set(sender.pid, number)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** @param {ProcessHandle} receiver @param {unknown} status */
function told(receiver, status) {
  if (status === undefined) throw new Error('no status')
  return [sent.get(receiver.pid) ?? 1]
}

export default {
  name: 'process',
  stream: false,
  /** A process ends once, and everybody is told. */
  once: true,
  /** Each is a process. */
  most: 200,
  leastCycles: 100,
  encode: (number) => number,
  failingCalls: {
    pidfd_open: ['EMFILE', 'ENFILE', 'ENOMEM'],
    pidfd_send_signal: ['ENOMEM'],
  },

  send: async (sender, number) => end(sender, number),
  trySend: (sender, number) => end(sender, number),
  sendSync: (sender, number) => end(sender, number),

  receives: {
    recv: async (receiver, options) => told(receiver, await receiver.exited(options)),
  },
  tryRecv: (receiver) => (receiver.alive ? undefined : told(receiver, null)),
  recvSync: (receiver, options) => told(receiver, receiver.exitedSync(options)),
  begin: (receiver) => receiver.exited(),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    return {
      exited: () => receiver.exited(),
      'exited that never waits': () => receiver.exited({ timeout: 0 }),
      exitedSync: () => receiver.exitedSync({ timeout: 0 }),
      alive: () => receiver.alive,
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      send: () => sender.send(0),
      'send with a value': () => sender.send('SIGUSR1', { value: 1 }),
      'detach of the sender': () => sender.detach(),
    }
  },

  async open() {
    const { child, pid } = await begin()
    const handles = []
    try {
      for (let i = 0; i < 2; i++) handles.push(ProcessHandle.open(pid))
    } catch (error) {
      for (const handle of handles) handle.close()
      child.kill('SIGKILL')
      throw error
    }
    const [sender, receiver] = handles
    return {
      ...opened(sender, receiver, () => child.kill('SIGKILL')),
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, parcel: { pid } }),
    }
  },

  /** @param {{ pid: number }} parcel */
  async join({ pid }) {
    return ProcessHandle.open(pid)
  },

  async wait() {
    const { sender, receiver } = await this.open()
    const { signal } = new AbortController()
    const pending = []
    for (const handle of [sender, receiver]) {
      for (let i = 0; i < 8; i++)
        pending.push(handle.exited(), handle.exited({ signal }), handle.exited({ timeout: 600_000 }))
    }
    return { pending, handles: [sender, receiver] }
  },
}
