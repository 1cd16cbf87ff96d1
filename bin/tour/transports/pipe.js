/** @type {import('./index.js').Transport} */
export const plainPipe = {
  name: 'pipe',
  title: 'pipe',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { pipe } = await import('../../../index.js')
    const { reader, writer } = pipe()
    try {
      const peer = await receiver({ fds: [reader.fd] })
      reader.close()
      peer.start()
      for (const chunk of file.chunks(65_536)) {
        await writer.send(chunk, { signal })
        progress(chunk.length)
      }
      writer.close()
      return await peer.result()
    } finally {
      reader.close()
      writer.close()
    }
  },

  async receive(sink) {
    const { PipeReader } = await import('../../../index.js')
    for await (const piece of PipeReader.fromFd(4)) sink.push(piece)
  },
}
