import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** @type {import('./index.js').Transport} */
export const streams = {
  name: 'streams',
  title: 'pipe as Node streams',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { pipe } = await import('../../../index.js')
    const { reader, writer } = pipe()
    try {
      const peer = await receiver({ fds: [reader.fd] })
      reader.close()
      peer.start()
      const source = Readable.from(counted(file.chunks(65_536), progress), { objectMode: false })
      await pipeline(source, writer.writable(), { signal })
      return await peer.result()
    } finally {
      reader.close()
      writer.close()
    }
  },

  async receive(sink) {
    const { PipeReader } = await import('../../../index.js')
    for await (const piece of PipeReader.fromFd(4).readable()) sink.push(piece)
  },
}

/**
 * @param {Iterable<Buffer>} chunks
 * @param {(bytes: number) => void} progress
 */
function* counted(chunks, progress) {
  for (const chunk of chunks) {
    yield chunk
    progress(chunk.length)
  }
}
