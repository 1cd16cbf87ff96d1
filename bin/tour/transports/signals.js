/** The file goes in about so many pieces, each told of by a realtime signal whose value is its place in the row. */
const pieces = 10_000
const largest = 65_536
const slots = 256
/** So many pieces are told back at once. */
const half = slots / 2
/** In place of a number. */
const READY = -1
const END = -2

/** Signals carry an integer each; what they tell of stands in shared memory. @type {import('./index.js').Transport} */
export const realtimeSignals = {
  name: 'signals',
  title: 'memory, signals',
  ours: true,

  async run(file, { receiver, progress, signal }) {
    const { SharedMemory, signals } = await import('../../../index.js')
    const size = Math.min(largest, Math.max(1, Math.ceil(file.size / pieces)))
    const memory = SharedMemory.create(slots * size)
    const back = signals.receive('SIGRTMIN+2')
    try {
      const peer = await receiver({ fds: [memory.fd], details: { pid: process.pid, size, total: file.size } })
      const pid = /** @type {number} */ (peer.child.pid)
      /** @param {number} expected */
      const told = async (expected) => {
        const { value } = await back.recv({ signal })
        if (value !== expected) throw new Error(`signal ${value} came in the place of ${expected}`)
      }
      peer.start()
      await told(READY)
      const view = new Uint8Array(memory.buffer)
      let index = 0
      for (const data of file.chunks(size)) {
        if (index >= slots && index % half === 0) await told(index - half)
        view.set(data, (index % slots) * size)
        signals.send(pid, 'SIGRTMIN+1', { value: index++ })
        progress(data.length)
      }
      signals.send(pid, 'SIGRTMIN+1', { value: END })
      return await peer.result()
    } finally {
      // Of the last ones nobody wants to hear any more.
      signals.ignore('SIGRTMIN+2')
      back.close()
      memory.close()
    }
  },

  async receive(sink, { pid, size, total }) {
    const { SharedMemory, signals } = await import('../../../index.js')
    const memory = SharedMemory.fromFd(4)
    const view = new Uint8Array(memory.buffer)
    const receiver = signals.receive('SIGRTMIN+1')
    signals.send(pid, 'SIGRTMIN+2', { value: READY })
    let index = 0
    for await (const { value } of receiver) {
      if (value === END) return
      if (value !== index) throw new Error(`signal ${value} came in the place of ${index}`)
      const at = (index % slots) * size
      sink.push(view.subarray(at, at + Math.min(size, total - index * size)))
      if (++index % half === 0) signals.send(pid, 'SIGRTMIN+2', { value: index })
    }
  },
}
