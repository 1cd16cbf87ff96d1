import { receiveInto } from './receive-into.js'

const capacity = 1_048_576

/** @type {import('./index.js').Transport} */
export const pipeInto = {
  name: 'pipe-into',
  title: 'pipe, 1 MiB, recvInto',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { pipe } = await import('../../../index.js')
    const { reader, writer } = pipe({ capacity })
    try {
      const peer = await receiver({ fds: [reader.fd] })
      reader.close()
      peer.start()
      for (const chunk of file.chunks(capacity)) {
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

  receive: (sink) => receiveInto(sink, 4),
}
