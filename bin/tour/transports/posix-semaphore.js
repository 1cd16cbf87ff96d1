/** So many pieces, each filled while the other ones are read. */
const piece = 1_048_576
const slots = 4
/** Where the semaphores stand: how many slots are free, how many are filled. Then how long each piece is. */
const FREE = 0
const FILLED = 64
const LENGTHS = 128
const header = 4096

/** A bounded buffer, as textbooks have it. @type {import('./index.js').Transport} */
export const posixSemaphore = {
  name: 'posix-semaphore',
  title: 'memory, semaphores',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { PosixSemaphore, SharedMemory } = await import('../../../index.js')
    const memory = SharedMemory.create(header + slots * piece)
    const free = PosixSemaphore.inMemory(memory, FREE, { initialize: slots })
    const filled = PosixSemaphore.inMemory(memory, FILLED, { initialize: 0 })
    const lengths = new Uint32Array(memory.buffer, LENGTHS, slots)
    try {
      const peer = await receiver({ fds: [memory.fd] })
      peer.start()
      let written = 0
      /** @param {Uint8Array} data */
      const put = async (data) => {
        const slot = written++ % slots
        await free.acquire({ signal })
        new Uint8Array(memory.buffer, header + slot * piece).set(data)
        lengths[slot] = data.length
        filled.release()
        progress(data.length)
      }
      for (const chunk of file.chunks(piece)) await put(chunk)
      // An empty piece is the end.
      await put(new Uint8Array())
      return await peer.result()
    } finally {
      for (const handle of [free, filled, memory]) handle.close()
    }
  },

  async receive(sink) {
    const { PosixSemaphore, SharedMemory } = await import('../../../index.js')
    const memory = SharedMemory.fromFd(4)
    const [free, filled] = [FREE, FILLED].map((offset) => PosixSemaphore.inMemory(memory, offset))
    const lengths = new Uint32Array(memory.buffer, LENGTHS, slots)
    for (let read = 0; ; read++) {
      await filled.acquire()
      const slot = read % slots
      if (lengths[slot] === 0) return
      sink.push(new Uint8Array(memory.buffer, header + slot * piece, lengths[slot]))
      free.release()
    }
  },
}
