import { closeSync, openSync } from 'node:fs'
import { receiveInto } from './receive-into.js'

const capacity = 1_048_576
/** Enough to keep the kernel busy, little enough to tell how far it is. */
const step = 4_194_304

/** @type {import('./index.js').Transport} */
export const splice = {
  name: 'splice',
  title: 'pipe, file spliced in',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { pipe } = await import('../../../index.js')
    const { reader, writer } = pipe({ capacity })
    const source = openSync(file.path, 'r')
    try {
      const peer = await receiver({ fds: [reader.fd] })
      reader.close()
      peer.start()
      for (let left = file.size; left > 0; ) {
        const moved = await writer.spliceFrom(source, { bytes: Math.min(step, left), signal })
        if (moved === 0) break
        left -= moved
        progress(moved)
      }
      writer.close()
      return await peer.result()
    } finally {
      closeSync(source)
      reader.close()
      writer.close()
    }
  },

  receive: (sink) => receiveInto(sink, 4),
}
