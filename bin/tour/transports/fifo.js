import { join } from 'node:path'

/** @type {import('./index.js').Transport} */
export const fifo = {
  name: 'fifo',
  title: 'FIFO',
  ours: true,

  async run(file, { receiver, progress, directory, signal }) {
    const { Fifo } = await import('../../../index.js')
    const place = Fifo.create(join(directory, 'fifo'))
    const [peer, writer] = await Promise.all([
      receiver({ details: { path: place.path } }),
      place.openWriter({ signal }),
    ])
    try {
      // Both have it open: nobody needs the name any more.
      place.unlink()
      peer.start()
      for (const chunk of file.chunks(65_536)) {
        await writer.send(chunk, { signal })
        progress(chunk.length)
      }
      writer.close()
      return await peer.result()
    } finally {
      writer.close()
    }
  },

  async receive(sink, { path }) {
    const { Fifo } = await import('../../../index.js')
    for await (const piece of await Fifo.at(path).openReader()) sink.push(piece)
  },
}
