import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const piece = 1_048_576
/** Behind all bytes of any file: a byte for each piece, locked until that has been written. */
const pieces = 2 ** 50

/** @type {import('./index.js').Transport} */
export const fileLock = {
  name: 'file-lock',
  title: 'file, locks on ranges',
  ours: true,

  async run(file, { receiver, progress, directory, signal }) {
    const { FileLock } = await import('../../../index.js')
    const path = join(directory, 'shared')
    const lock = FileLock.open(path, { create: true })
    const target = openSync(path, 'w')
    let written = 0
    // The next one is locked before this one is let go: the receiver never comes to what is not there yet.
    let guard = await lock.lock({ start: pieces, length: 1, signal })
    const publish = async () => {
      const next = await lock.lock({ start: pieces + ++written, length: 1, signal })
      guard.unlock()
      guard = next
    }
    try {
      const peer = await receiver({ details: { path } })
      peer.start()
      for (const chunk of file.chunks(piece)) {
        writeAll(target, chunk)
        await publish()
        progress(chunk.length)
      }
      // A piece with nothing in it is the end.
      await publish()
      return await peer.result()
    } finally {
      guard.unlock()
      closeSync(target)
      lock.close()
    }
  },

  async receive(sink, { path }) {
    const { FileLock } = await import('../../../index.js')
    const lock = FileLock.open(path)
    const data = Buffer.alloc(piece)
    for (let read = 0; ; read++) {
      await lock.with(() => {}, { start: pieces + read, length: 1, shared: true })
      const length = readSync(lock.fd, data, 0, piece, read * piece)
      if (length === 0) break
      sink.push(data.subarray(0, length))
    }
    lock.close()
  },
}

/** @param {number} fd @param {Uint8Array} data */
function writeAll(fd, data) {
  for (let written = 0; written < data.length; ) written += writeSync(fd, data, written)
}
