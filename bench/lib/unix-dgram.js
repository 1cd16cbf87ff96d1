/** unix-dgram with room waited for: it tells of a full queue by an event, and of room by another. */
import dgram from 'unix-dgram'

/** @param {(data: Buffer) => void} [onMessage] */
export function datagrams(onMessage) {
  const socket = dgram.createSocket('unix_dgram', onMessage)
  socket.on('error', (/** @type {Error} */ error) => {
    throw error
  })
  let full = false
  socket.on('congestion', () => {
    full = true
  })

  /** @param {Buffer} data */
  async function again(data) {
    while (full) {
      await new Promise((resolve) => socket.once('writable', resolve))
      full = false
      socket.send(data)
    }
  }

  return {
    /** @param {string} path */
    bind: (path) => socket.bind(path),
    /** @param {string} path */
    connect(path) {
      return new Promise((resolve) => {
        socket.once('connect', resolve)
        socket.connect(path)
      })
    },
    /** @param {Buffer} data @returns {Promise<void> | undefined} a promise only where there is no room */
    send(data) {
      socket.send(data)
      return full ? again(data) : undefined
    },
  }
}
