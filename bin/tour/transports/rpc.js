const size = 262_144
/** Calls that are under way at once. */
const window = 8

/** @type {import('./index.js').Transport} */
export const remoteCalls = {
  name: 'rpc',
  title: 'rpc, 8 calls under way',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { Channel, rpc } = await import('../../../index.js')
    const [ours, theirs] = Channel.pair({ codec: 'structured' })
    try {
      const peer = await receiver({ fds: [theirs.fd] })
      theirs.close()
      const client = await rpc.connect(ours)
      peer.start()
      /** @type {Array<Promise<unknown>>} */
      const calls = []
      for (const chunk of file.chunks(size)) {
        if (calls.length === window) await calls.shift()
        calls.push(client.call('push', chunk, { signal }))
        progress(chunk.length)
      }
      await Promise.all(calls)
      await client.notify('end')
      const result = await peer.result()
      client.close()
      return result
    } finally {
      ours.close()
      theirs.close()
    }
  },

  async receive(sink) {
    const { Channel, rpc } = await import('../../../index.js')
    /** @type {(value?: unknown) => void} */
    let end = () => {}
    const ended = new Promise((resolve) => {
      end = resolve
    })
    rpc.serve(Channel.fromFd(4), { push: (/** @type {Buffer} */ chunk) => void sink.push(chunk), end: () => end() })
    await ended
  },
}
