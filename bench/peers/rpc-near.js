// Calls a method of another process, in each of the ways that the page `rpc` compares.
import { once } from 'node:events'
import { Channel, rpc, SharedMemory, UnixSocket } from '../../index.js'
import { job, spawnFar } from '../lib/far.js'
import { serve } from '../lib/near.js'
import { Bell } from '../lib/stream.js'

const { roundTrip, size, batch, rest } = job()
const [how] = rest
const address = `${process.env.BENCH_DIRECTORY}/rpc-${process.pid}.sock`

/** @param {'json' | 'advanced'} [serialization] */
function forked(serialization = 'json') {
  const stdio = /** @type {import('node:child_process').StdioOptions} */ (['ignore', 'ignore', 'inherit', 'ipc'])
  return spawnFar('rpc-far.js', [...process.argv.slice(2), address], { stdio, serialization })
}

async function far() {
  const child = spawnFar('rpc-far.js', [...process.argv.slice(2), address], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdout) await once(child.stdout, 'data')
}

/** @param {import('node:child_process').SpawnOptions['serialization']} serialization */
async function byHand(serialization) {
  const child = forked(serialization)
  await once(child, 'message')
  let next = 0
  const waiting = new Map()
  child.on('message', ([id, result]) => {
    waiting.get(id)(result)
    waiting.delete(id)
  })
  return (/** @type {unknown} */ params) =>
    new Promise((resolve) => {
      waiting.set(++next, resolve)
      child.send([next, params])
    })
}

/** @param {string} codec */
async function client(codec) {
  await far()
  return rpc.connect(address, codec === 'structured' ? { codec } : {})
}

/** How a call is made: with what is sent, if anything. @type {Record<string, () => Promise<(params?: any) => any>>} */
const ways = {
  async rpc() {
    const ours = await client('json')
    return (params) => ours.call('echo', params)
  },
  async sync() {
    const ours = await client('json')
    return (params) => ours.callSync('echo', params)
  },
  async structured() {
    const ours = await client('structured')
    return (params) => ours.call('length', params)
  },
  async attached() {
    const ours = await client('structured')
    const memory = SharedMemory.create(size)
    await ours.call('attach', null, { handles: [memory] })
    const view = new Uint8Array(memory.buffer)
    return () => {
      view[size - 1] = 7
      return ours.call('attached')
    }
  },
  async stream() {
    const ours = await client('json')
    return (params) => ours.call('echo', params)
  },
  async seqpacket() {
    await far()
    const ours = await rpc.connect(await UnixSocket.connect(address, { type: 'seqpacket' }))
    return (params) => ours.call('echo', params)
  },
  async channel() {
    await far()
    const channel = await Channel.connect(address)
    const message = Buffer.alloc(64, 7)
    return async () => {
      await channel.send(message)
      await channel.recv()
    }
  },
  json: () => byHand('json'),
  advanced: () => byHand('advanced'),
  async birpc() {
    const { createBirpc } = await import('birpc')
    const child = forked()
    await once(child, 'message')
    const remote = createBirpc(
      {},
      { post: (data) => child.send(data), on: (fn) => child.on('message', fn), timeout: -1 },
    )
    return (params) => remote.echo(params)
  },
  async 'node-ipc'() {
    const { default: ipc } = await import('node-ipc')
    ipc.config.silent = true
    const ready = new Bell()
    const hello = ready.next()
    const waiting = new Map()
    /** @type {unknown} */
    let socket
    ipc.serve(address, () => {
      ipc.server.on('answer', (/** @type {any} */ data, /** @type {unknown} */ from) => {
        socket = from
        if (data === 'ready') return ready.ring()
        waiting.get(data.id)(data.result)
        waiting.delete(data.id)
      })
    })
    ipc.server.start()
    spawnFar('rpc-far.js', [...process.argv.slice(2), address], { stdio: ['pipe', 'ignore', 'inherit'] })
    await hello
    let next = 0
    return (params) =>
      new Promise((resolve) => {
        waiting.set(++next, resolve)
        ipc.server.emit(socket, 'call', { id: next, params })
      })
  },
  async zeromq() {
    const { default: zeromq } = await import('zeromq')
    await far()
    const socket = new zeromq.Request()
    socket.connect(`ipc://${address}`)
    return async () => {
      await socket.send('null')
      await socket.receive()
    }
  },
  async undici() {
    const { Client } = await import('undici')
    await far()
    const ours = new Client('http://localhost', { socketPath: address, pipelining: 64 })
    return async () => {
      const { body } = await ours.request({ path: '/', method: 'GET' })
      return body.json()
    }
  },
}

const call = await ways[how]()
const params = size > 0 ? new Float64Array(size / 8).fill(1) : undefined

if (roundTrip) {
  await serve(() => call(params))
} else {
  const [flights, each] = [64, batch / 64]
  const flight = async () => {
    for (let n = 0; n < each; n++) await call()
  }
  await serve(async () => {
    await Promise.all(Array.from({ length: flights }, flight))
  })
}
