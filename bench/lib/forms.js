/** The forms in which a pipe can be read, each taking `bytes` and saying whether they came before the end. */

/**
 * @param {import('../../index.js').PipeReader} reader
 * @param {number} bytes
 * @param {number} [room] what recvInto reads into
 */
export function takers(reader, bytes, room = bytes) {
  const target = Buffer.alloc(room)
  return {
    async recv() {
      for (let seen = 0; seen < bytes; ) {
        const part = await reader.recv()
        if (part === null) return false
        seen += part.length
      }
      return true
    },
    async into() {
      for (let seen = 0; seen < bytes; ) {
        const length = await reader.recvInto(target)
        if (length === 0) return false
        seen += length
      }
      return true
    },
    sync() {
      for (let seen = 0; seen < bytes; ) {
        const part = reader.recvSync()
        if (part === null) return false
        seen += part.length
      }
      return true
    },
  }
}
