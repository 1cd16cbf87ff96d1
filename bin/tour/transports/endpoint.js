const size = 65_536

/** @type {import('./index.js').Transport} */
export const endpoint = {
  name: 'endpoint',
  title: 'Endpoint, by pid',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { Endpoint } = await import('../../../index.js')
    const own = Endpoint.open()
    try {
      const peer = await receiver()
      const pid = /** @type {number} */ (peer.child.pid)
      peer.start()
      for (const chunk of file.chunks(size)) {
        await own.send(pid, chunk, { signal })
        progress(chunk.length)
      }
      // What stands for the end, which there is none of.
      await own.send(pid, '', { signal })
      return await peer.result()
    } finally {
      own.close()
    }
  },

  async receive(sink) {
    const { Endpoint } = await import('../../../index.js')
    const own = Endpoint.open()
    for await (const { data } of own.iterate({ from: process.ppid })) {
      if (data.length === 0) break
      sink.push(data)
    }
    own.close()
  },
}
