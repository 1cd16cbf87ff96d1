import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/** @type {import('./index.js').Transport} */
export const netSocket = {
  name: 'net.Socket',
  title: 'net.Socket, Unix',
  ours: false,

  async run(file, { receiver, progress, directory, signal }) {
    const path = join(directory, 'socket')
    const server = createServer()
    try {
      server.listen(path)
      await once(server, 'listening', { signal })
      const [[socket], peer] = await Promise.all([
        once(server, 'connection', { signal }),
        receiver({ details: { path } }),
      ])
      rmSync(path)
      const closed = once(socket, 'close')
      closed.catch(() => {})
      peer.start()
      for (const chunk of file.chunks(65_536)) {
        if (!socket.write(chunk)) await Promise.race([once(socket, 'drain', { signal }), closed])
        progress(chunk.length)
      }
      socket.end()
      const received = await peer.result()
      socket.destroy()
      return received
    } finally {
      server.close()
    }
  },

  async receive(sink, { path }) {
    const socket = connect(path)
    socket.on('data', (chunk) => sink.push(chunk))
    await once(socket, 'end')
  },
}
