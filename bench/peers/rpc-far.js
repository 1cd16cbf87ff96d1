// Answers calls, in each of the ways that the page `rpc` compares. Ends with its stdin or its channel.
import { createServer } from 'node:http'
import { ChannelListener, rpc, UnixListener } from '../../index.js'
import { job } from '../lib/far.js'

const { size, rest } = job()
const [how, address] = rest
if (process.send === undefined) process.stdin.on('end', () => process.exit()).resume()
else process.on('disconnect', () => process.exit())

/** @type {any} */
let attached
const methods = {
  echo: (/** @type {unknown} */ params) => params,
  length: (/** @type {Float64Array} */ params) => params.length,
  attach(/** @type {unknown} */ _, /** @type {import('../../index.js').CallContext} */ { handles }) {
    attached = new Uint8Array(/** @type {any} */ (handles[0]).buffer)
  },
  attached: () => attached[size - 1],
}
const ready = () => process.stdout.write('ready\n')

/** @type {Record<string, () => unknown>} */
const ways = {
  rpc: () => rpc.serve(address, methods),
  sync: () => rpc.serve(address, methods),
  structured: () => rpc.serve(address, methods, { codec: 'structured' }),
  attached: () => rpc.serve(address, methods, { codec: 'structured' }),
  stream: () => rpc.serve(UnixListener.listen(address), methods),
  seqpacket: () => rpc.serve(UnixListener.listen(address, { type: 'seqpacket' }), methods),
  async channel() {
    const listener = ChannelListener.listen(address)
    ready()
    const channel = await listener.accept()
    for (;;) {
      const message = await channel.recv()
      if (message === null) return
      await channel.send(message)
    }
  },
  json: byHand,
  advanced: byHand,
  async birpc() {
    const { createBirpc } = await import('birpc')
    createBirpc(methods, { post: (data) => process.send?.(data), on: (fn) => process.on('message', fn) })
    process.send?.('ready')
  },
  async 'node-ipc'() {
    const { default: ipc } = await import('node-ipc')
    ipc.config.silent = true
    ipc.connectTo('near', address, () => {
      const { near } = ipc.of
      near.on('connect', () => near.emit('answer', 'ready'))
      near.on('call', (/** @type {any} */ { id, params }) => near.emit('answer', { id, result: params }))
    })
  },
  async zeromq() {
    const { default: zeromq } = await import('zeromq')
    const socket = new zeromq.Reply()
    await socket.bind(`ipc://${address}`)
    ready()
    for await (const [message] of socket) await socket.send(message)
  },
  undici: () =>
    new Promise((resolve) => {
      createServer((request, response) => {
        request.resume().on('end', () => response.end('null'))
      }).listen(address, () => resolve(undefined))
    }),
}

function byHand() {
  process.on('message', ([id, params]) => process.send?.([id, size > 0 ? params.length : params]))
  process.send?.('ready')
}

await Promise.resolve(ways[how]()).then(how === 'channel' || how === 'zeromq' ? () => {} : ready)
