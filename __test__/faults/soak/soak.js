/** Eight processes for as long as asked: four that answer and four that ask, each pair over everything that there is. */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  Channel,
  Mutex,
  PosixMessageQueue,
  pipe,
  SysvMessageQueue,
  SysvSemaphoreSet,
  spawn,
  Topic,
  UnixSocket,
} from '../../../index.js'

const PEER = fileURLToPath(new URL('./peer.js', import.meta.url))
const PAIRS = 4

/**
 * @param {{ ms: number, seed: number, every: number }} how
 * @returns {Promise<{ at: number, asks: boolean, number: number, descriptors: number, threads: number, resident: number, trials?: number, p50?: number, p99?: number }[]>}
 *   what the processes have told of themselves, and when
 */
export async function soak({ ms, seed, every }) {
  const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-soak-'))
  /** @type {any[]} */
  const peers = []
  /** @type {(() => void)[]} */
  const cleaning = [() => rmSync(scratch, { recursive: true, force: true })]
  const common = {
    mutex: Mutex.open(`soak-${process.pid}`),
    semaphores: SysvSemaphoreSet.open(randomInt(1, 2 ** 31), { create: true, exclusive: true, values: [2] }),
    topic: Topic.open(join(scratch, 'topic'), { capacity: 65_536 }),
  }
  cleaning.push(
    () => Mutex.unlink(`soak-${process.pid}`),
    () => common.semaphores.remove(),
  )
  const samples = []
  const start = performance.now()
  try {
    for (let number = 0; number < PAIRS; number++) {
      const both = pairOf(cleaning)
      const [answers, asks] = [false, true].map((asks) => {
        const plan = { asks, number, every, seed: (seed + number) >>> 0 }
        return startPeer(plan, { ...both[asks ? 1 : 0], ...common }, (sample) =>
          samples.push({ at: performance.now() - start, asks, number, ...sample }),
        )
      })
      peers.push(answers, asks)
      const pids = [await answers.here, await asks.here]
      answers.say(pids[1])
      asks.say(pids[0])
    }
    const over = new Promise((resolve) => setTimeout(resolve, ms))
    // One that ends before its time has failed.
    await Promise.race([over, ...peers.map((peer) => endOf(peer))])
    for (const peer of peers.filter(({ asks }) => asks)) {
      peer.say('end')
      await endOf(peer)
    }
    return samples
  } finally {
    for (const peer of peers) peer.stop()
    await Promise.all(peers.map(({ exited }) => exited))
    for (const handle of Object.values(common)) {
      if (handle !== common.semaphores) handle.close()
    }
    for (const clean of cleaning.reverse()) clean()
    common.semaphores.close()
  }
}

/** @param {any} peer */
async function endOf({ exited, why }) {
  const { code, signal } = await exited
  if (code !== 0) throw new Error(`a process has ended with ${signal ?? code}: ${why()}`)
}

/** The handles of one pair: of who answers, and of who asks. @param {(() => void)[]} cleaning */
function pairOf(cleaning) {
  const [channel, calls] = [Channel.pair({ capacity: 16_384 }), Channel.pair({ codec: 'json' })]
  const [seqpacket, stream] = [UnixSocket.pair('seqpacket'), UnixSocket.pair('stream')]
  const [forth, back] = [pipe(), pipe()]
  const queue = () => PosixMessageQueue.open(null, { create: true, maxMessages: 4, maxMessageSize: 1024 })
  const [request, reply] = [queue(), queue()]
  const sysv = SysvMessageQueue.open(randomInt(1, 2 ** 31), { create: true, exclusive: true })
  cleaning.push(() => {
    sysv.remove()
    for (const { name } of [request, reply]) PosixMessageQueue.unlink(name)
    for (const handle of [sysv, request, reply, ...seqpacket, ...stream]) handle.close()
  })
  const shared = { sysv, 'posix-here': reply, 'posix-there': request }
  return [
    {
      ...shared,
      channel: channel[0],
      calls: calls[0],
      seqpacket: seqpacket[0],
      stream: stream[0],
      'pipe-here': back.writer,
      'pipe-there': forth.reader,
    },
    {
      ...shared,
      channel: channel[1],
      calls: calls[1],
      seqpacket: seqpacket[1],
      stream: stream[1],
      'pipe-there': forth.writer,
      'pipe-here': back.reader,
    },
  ]
}

/** @param {any} plan @param {any} handles @param {(sample: any) => void} hear */
function startPeer(plan, handles, hear) {
  const child = spawn(process.execPath, [PEER, JSON.stringify(plan)], { handles, stdio: ['pipe', 'pipe', 'inherit'] })
  const { stdin, stdout } = /** @type {any} */ (child)
  stdin.on('error', () => {})
  const lines = createInterface({ input: stdout })
  let failure = ''
  const here = new Promise((resolve) => {
    lines.once('line', (line) => {
      lines.on('line', (text) => {
        const told = JSON.parse(text)
        if (told.failed === undefined) hear(told)
        else failure = told.failed
      })
      resolve(JSON.parse(line).pid)
    })
  })
  const exited = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    asks: plan.asks,
    here,
    exited,
    why: () => failure,
    say: (word) => stdin.write(`${word}\n`),
    // Who answers ends when nobody speaks to it any more.
    stop: () => stdin.end(),
  }
}
