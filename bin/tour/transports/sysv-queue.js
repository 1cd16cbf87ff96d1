/** An eighth of what a queue holds, unless somebody has changed that: each side has something to do while the other works. */
const size = 2_048
/** The types of a piece and of the end, which a queue does not have by itself. */
const [PIECE, END] = [1, 2]

/** @type {import('./index.js').Transport} */
export const sysvQueue = {
  name: 'sysv-queue',
  title: 'System V message queue',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { SysvMessageQueue } = await import('../../../index.js')
    const queue = SysvMessageQueue.open('private')
    const remove = () => queue.remove()
    // Even when an error that nobody expected ends the process: it would stay until the next boot.
    process.once('exit', remove)
    try {
      const peer = await receiver({ details: { id: queue.id } })
      peer.start()
      for (const chunk of file.chunks(size)) {
        await queue.send(chunk, { type: PIECE, signal })
        progress(chunk.length)
      }
      await queue.send('', { type: END, signal })
      return await peer.result()
    } finally {
      process.off('exit', remove)
      remove()
      queue.close()
    }
  },

  async receive(sink, { id }) {
    const { SysvMessageQueue } = await import('../../../index.js')
    for await (const { data, type } of SysvMessageQueue.fromId(id)) {
      if (type === END) return
      sink.push(data)
    }
  },
}
