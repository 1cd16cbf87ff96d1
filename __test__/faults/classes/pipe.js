import { PipeReader, PipeWriter, pipe } from '../../../index.js'
import { pipeEnds } from '../harness/ends.js'

/** Pipes: both ends in one process, or one end inherited by a child. */
export const pipeClass = (options, ...sizes) => ({
  ...pipeEnds(...sizes),

  async open() {
    const { reader, writer } = pipe(options)
    return {
      sender: writer,
      receiver: reader,
      /** What another process needs to have that end too. @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, fds: [(side === 'sender' ? writer : reader).fd] }),
      close() {
        reader.close()
        writer.close()
      },
    }
  },

  /** @param {import('../harness/context.js').Context} _context @param {'sender' | 'receiver'} side of the other process */
  async offer(_context, side) {
    const { reader, writer } = pipe(options)
    const [near, far] = side === 'sender' ? [reader, writer] : [writer, reader]
    return {
      fds: [far.fd],
      async meet() {
        far.close()
        return near
      },
    }
  },

  /** What a worker opens the receiver by, which stays open here too. @param {any} ends */
  inWorker: ({ receiver }) => ({ fd: receiver.dup().detach() }),

  /** @param {any} parcel @param {'sender' | 'receiver'} side */
  async join({ fd = 3 }, side) {
    return side === 'sender' ? PipeWriter.fromFd(fd) : PipeReader.fromFd(fd)
  },
})

export default { name: 'pipe', ...pipeClass() }
