import { once } from 'node:events'
import { pipe, spawn } from '../../../index.js'
import { pipeEnds } from '../harness/ends.js'
import { RECORD } from '../harness/numbers.js'
import { opened } from '../harness/opened.js'

/** Children that are given handles: one end of each of two pipes, and what comes by the one they send by the other. */
const ends = pipeEnds()

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** @param {import('../../../index.js').PipeReader} input @param {import('../../../index.js').PipeWriter} output */
async function begin(input, output) {
  const child = spawn('sh', ['-c', 'exec cat <&"$OS_IPC_FD_input" >&"$OS_IPC_FD_output"'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    handles: { input, output },
  })
  if (child.pid === undefined) throw (await once(child, 'error'))[0]
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.unref()
  return child
}

export default {
  ...ends,
  name: 'spawn',
  /** What the child has in its hands is neither here nor there. */
  only: ['G1', 'G2', 'G4', 'G6', 'G7', 'G8', 'G9', 'G12', 'G19', 'L1'],
  /** Each has a process. */
  most: 60,
  leastCycles: 100,
  fill: undefined,
  divides: false,
  onThreads: undefined,
  /** A child that could not be started is told of by Node, in its own words. */
  failingCalls: { clone: ['EAGAIN', 'ENOMEM'], clone3: ['EAGAIN', 'ENOMEM'], vfork: [], fcntl: [] },

  async open() {
    const to = pipe()
    let from
    try {
      from = pipe()
    } catch (error) {
      for (const handle of [to.reader, to.writer]) handle.close()
      throw error
    }
    const [sender, receiver] = [to.writer, from.reader]
    let child
    try {
      child = await begin(to.reader, from.writer)
    } catch (error) {
      for (const handle of [sender, receiver]) handle.close()
      throw error
    } finally {
      for (const handle of [to.reader, from.writer]) handle.close()
    }
    return opened(sender, receiver, () => child.kill('SIGKILL'))
  },

  async wait() {
    const { sender, receiver } = await this.open()
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.recv({ signal }), receiver.recv({ timeout: 600_000 }), receiver.iterate().next())
      pending.push(receiver.recvInto(Buffer.alloc(RECORD)))
    }
    return { pending, handles: [sender, receiver] }
  },
}
