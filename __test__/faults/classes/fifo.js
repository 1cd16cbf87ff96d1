import { rmSync } from 'node:fs'
import { Fifo } from '../../../index.js'
import { pipeEnds } from '../harness/ends.js'

/** FIFOs: the ends are those of a pipe, and meet by a path. */
const ends = pipeEnds()

export default {
  name: 'fifo',
  ...ends,
  /** Opening waits for the other side, and has a name in the file system. */
  named: true,
  create: (path, options) => Fifo.create(path, options),
  names: {
    place: (context) => context.path(),
    make: (path) => Fifo.create(path),
    drop: (path) => rmSync(path, { force: true }),
  },
  /** Opens that wait, for nobody is at the other side. */
  opens: (context, options) => {
    const fifo = Fifo.create(context.path())
    return [fifo.openReader(options)]
  },

  /** @param {import('../harness/context.js').Context} context */
  async open(context) {
    const fifo = Fifo.create(context.path())
    const { receiver, sender } = await meet(fifo)
    let linked = true
    return {
      sender,
      receiver,
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, parcel: { path: fifo.path } }),
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

  onThreads: (pair, context) => [...ends.onThreads(pair), Fifo.create(context.path()).openReader()],

  /** @param {import('../harness/context.js').Context} context */
  async wait(context, { opening = true } = {}) {
    const { pending, handles } = await ends.wait.call(this, context)
    if (!opening) return { pending, handles }
    const { signal } = new AbortController()
    // A waiter thread each, for nobody opens the other side.
    pending.push(Fifo.create(context.path()).openReader({ signal }))
    pending.push(Fifo.create(context.path()).openWriter({ timeout: 600_000 }))
    return { pending, handles }
  },
}

/** Both ends, or neither. @param {Fifo} fifo */
async function meet(fifo) {
  const controller = new AbortController()
  const { signal } = controller
  const opens = [fifo.openReader({ signal }), fifo.openWriter({ signal })]
  try {
    const [receiver, sender] = await Promise.all(opens)
    return { receiver, sender }
  } catch (error) {
    controller.abort()
    for (const { value } of await Promise.allSettled(opens)) value?.close()
    // Not by our own means, which may be what fails.
    rmSync(fifo.path)
    throw error
  }
}
