/** @type {import('./index.js').Transport} */
export const posixQueue = {
  name: 'posix-queue',
  title: 'POSIX message queue',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { PosixMessageQueue } = await import('../../../index.js')
    const queue = PosixMessageQueue.open(null, { create: true })
    // The other process gets the descriptor: nobody needs the name.
    queue.unlink()
    try {
      const peer = await receiver({ fds: [queue.fd] })
      peer.start()
      for (const chunk of file.chunks(queue.maxMessageSize)) {
        await queue.send(chunk, { signal })
        progress(chunk.length)
      }
      // A queue has no end of its own.
      await queue.send('', { signal })
      return await peer.result()
    } finally {
      queue.close()
    }
  },

  async receive(sink) {
    const { PosixMessageQueue } = await import('../../../index.js')
    for await (const { data } of PosixMessageQueue.fromFd(4)) {
      if (data.length === 0) return
      sink.push(data)
    }
  },
}
