const size = 262_144

/** @type {import('./index.js').Transport} */
export const channel = {
  name: 'channel',
  title: 'channel',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { Channel } = await import('../../../index.js')
    const [ours, theirs] = Channel.pair()
    try {
      const peer = await receiver({ fds: [theirs.fd] })
      theirs.close()
      peer.start()
      for (const chunk of file.chunks(size)) {
        await ours.send(chunk, { signal })
        progress(chunk.length)
      }
      await ours.end({ signal })
      return await peer.result()
    } finally {
      ours.close()
      theirs.close()
    }
  },

  async receive(sink) {
    const { Channel } = await import('../../../index.js')
    for await (const message of Channel.fromFd(4)) sink.push(message)
  },
}
