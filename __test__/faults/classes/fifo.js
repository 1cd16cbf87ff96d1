import { Fifo } from '../../../index.js'
import { pipeEnds } from '../harness/ends.js'

/** FIFOs: the ends are those of a pipe, and meet by a path. */
const ends = pipeEnds()

export default {
  name: 'fifo',
  ...ends,
  /** Opening waits for the other side, and has a name in the file system. */
  named: true,

  /** @param {import('../harness/context.js').Context} context */
  async open(context) {
    const fifo = Fifo.create(context.path())
    let linked = true
    const [receiver, sender] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    return {
      sender,
      receiver,
      close() {
        receiver.close()
        sender.close()
        if (linked) fifo.unlink()
        linked = false
      },
      unlink: () => fifo.unlink(),
    }
  },

  /** @param {import('../harness/context.js').Context} context @param {'sender' | 'receiver'} side of the other process */
  async offer(context, side) {
    const fifo = Fifo.create(context.path())
    return {
      parcel: { path: fifo.path },
      meet: () => (side === 'sender' ? fifo.openReader() : fifo.openWriter()),
    }
  },

  /** @param {{ path: string }} parcel @param {'sender' | 'receiver'} side */
  async join({ path }, side) {
    const fifo = Fifo.at(path)
    return side === 'sender' ? fifo.openWriter() : fifo.openReader()
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { pending, handles } = await ends.wait.call(this, context)
    const { signal } = new AbortController()
    // A waiter thread each, for nobody opens the other side.
    pending.push(Fifo.create(context.path()).openReader({ signal }))
    pending.push(Fifo.create(context.path()).openWriter({ timeout: 600_000 }))
    return { pending, handles }
  },
}
