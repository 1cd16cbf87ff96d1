import { randomUUID } from 'node:crypto'

/** So many pieces, each filled while the other ones are read. */
const piece = 1_048_576
const slots = 4
/** Words of the header: how many pieces were written and read. Then how long each is. */
const [WRITTEN, READ, LENGTHS] = [0, 1, 32]
const header = 4096

/** @param {import('../../../index.js').SharedMemory} memory @param {string} name */
async function monitor(memory, name) {
  const { Condition, Mutex } = await import('../../../index.js')
  const mutex = Mutex.open(name)
  const changed = Condition.open(name)
  const words = new Uint32Array(memory.buffer, 0, header / 4)
  return {
    words,
    /** @param {number} written @returns {Uint8Array} where that piece stands */
    slot: (written) => new Uint8Array(memory.buffer, header + (written % slots) * piece, piece),
    /**
     * Waits until `ready` says so, under the mutex, and then does `action`.
     * @param {() => boolean} ready
     * @param {() => void} action
     * @param {AbortSignal} [signal]
     */
    async when(ready, action, signal) {
      await mutex.with(
        async (guard) => {
          while (!ready()) await changed.wait(guard, { signal })
          action()
          changed.notify()
        },
        { signal },
      )
    },
    close() {
      changed.close()
      mutex.close()
    },
    unlink() {
      Condition.unlink(name)
      Mutex.unlink(name)
    },
  }
}

/** A bounded buffer as a monitor. @type {import('./index.js').Transport} */
export const condition = {
  name: 'condition',
  title: 'memory, condition',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { SharedMemory } = await import('../../../index.js')
    const memory = SharedMemory.create(header + slots * piece)
    const name = `tour-${randomUUID()}`
    const { words, slot, when, close, unlink } = await monitor(memory, name)
    // Even when an error that nobody expected ends the process: it would stay until the next boot.
    process.once('exit', unlink)
    try {
      const peer = await receiver({ fds: [memory.fd], details: { name } })
      peer.start()
      let written = 0
      /** @param {Uint8Array} data */
      const put = async (data) => {
        await when(
          () => written - words[READ] < slots,
          () => {},
          signal,
        )
        slot(written).set(data)
        words[LENGTHS + (written % slots)] = data.length
        await when(
          () => true,
          () => {
            words[WRITTEN] = ++written
          },
          signal,
        )
        progress(data.length)
      }
      for (const chunk of file.chunks(piece)) await put(chunk)
      // An empty piece is the end.
      await put(new Uint8Array())
      return await peer.result()
    } finally {
      process.off('exit', unlink)
      unlink()
      close()
      memory.close()
    }
  },

  async receive(sink, { name }) {
    const { SharedMemory } = await import('../../../index.js')
    const memory = SharedMemory.fromFd(4)
    const { words, slot, when } = await monitor(memory, name)
    for (let read = 0; ; ) {
      await when(
        () => words[WRITTEN] > read,
        () => {},
      )
      const length = words[LENGTHS + (read % slots)]
      if (length === 0) return
      sink.push(slot(read).subarray(0, length))
      await when(
        () => true,
        () => {
          words[READ] = ++read
        },
      )
    }
  },
}
