/**
 * @param {'stream' | 'seqpacket'} type
 * @param {string} title
 * @param {number} size of a piece
 * @returns {import('./index.js').Transport}
 */
function row(type, title, size) {
  return {
    name: `unix-${type}`,
    title,
    ours: true,

    async run(file, { receiver, progress, signal }) {
      const { UnixSocket } = await import('../../../index.js')
      const [near, far] = UnixSocket.pair(type)
      try {
        const peer = await receiver({ fds: [far.fd] })
        far.close()
        peer.start()
        for (const chunk of file.chunks(size)) {
          await near.send(chunk, { signal })
          progress(chunk.length)
        }
        near.close()
        return await peer.result()
      } finally {
        near.close()
        far.close()
      }
    },

    async receive(sink) {
      const { UnixSocket } = await import('../../../index.js')
      for await (const { data } of UnixSocket.fromFd(4)) sink.push(data)
    },
  }
}

export const unixStream = row('stream', 'Unix socket, stream', 1_048_576)
export const unixSeqpacket = row('seqpacket', 'Unix socket, seqpacket', 65_536)
