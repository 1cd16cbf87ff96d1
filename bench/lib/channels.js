/** The forms in which a channel can be written and read. */

/**
 * What one message is for each codec.
 * @param {number} size @param {string} codec
 */
function messageOf(size, codec) {
  return codec === 'bytes' ? Buffer.alloc(size, 7) : 'x'.repeat(size)
}

/**
 * Each sends `count` messages.
 * @param {import('../../index.js').Channel<any>} channel
 * @param {number} size
 * @param {string} codec
 * @returns {Record<string, (count: number) => Promise<void> | void>}
 */
export function senders(channel, size, codec) {
  const message = messageOf(size, codec)
  async function send(/** @type {number} */ count) {
    for (let index = 0; index < count; index += 1) await channel.send(message)
  }
  async function sendMany(/** @type {number} */ count) {
    for (let index = 0; index < count; index += 1) if (!channel.trySend(message)) await channel.send(message)
  }
  return {
    recv: send,
    iterate: send,
    many: sendMany,
    try: sendMany,
    into: send,
    view: send,
    async borrow(count) {
      for (let index = 0; index < count; index += 1) {
        // What is there is not looked at: whoever reserves writes just what is to be sent.
        const room = channel.tryReserve(size) ?? (await channel.reserve(size))
        room.bytes[0] = 7
        room.bytes[size - 1] = 7
        room.commit()
      }
    },
    sync(count) {
      for (let index = 0; index < count; index += 1) channel.sendSync(message)
    },
  }
}

/**
 * Each takes `count` messages of `size` and says whether they came before the end.
 * @param {import('../../index.js').Channel<any>} channel
 * @param {number} size
 * @param {number} count
 * @returns {Record<string, () => Promise<boolean> | boolean>}
 */
export function takers(channel, size, count) {
  const target = Buffer.alloc(size)
  /** @type {AsyncIterator<any> | undefined} */
  let iterator
  async function borrow() {
    for (let seen = 0; seen < count; seen += 1) {
      const message = channel.tryBorrow() ?? (await channel.borrow())
      if (message === null) return false
      if (message.bytes[0] + message.bytes[size - 1] !== 14) throw new Error('the message is not all there')
      message.release()
    }
    return true
  }
  return {
    async recv() {
      for (let seen = 0; seen < count; seen += 1) if ((await channel.recv()) === null) return false
      return true
    },
    async iterate() {
      iterator ??= channel[Symbol.asyncIterator]()
      for (let seen = 0; seen < count; seen += 1) if ((await iterator.next()).done) return false
      return true
    },
    async many() {
      for (let seen = 0; seen < count; ) {
        const { length } = await channel.recvMany()
        if (length === 0) return false
        seen += length
      }
      return true
    },
    async try() {
      for (let seen = 0; seen < count; seen += 1) {
        const message = channel.tryRecv()
        if (message === null || (message === undefined && (await channel.recv()) === null)) return false
      }
      return true
    },
    async into() {
      for (let seen = 0; seen < count; seen += 1) {
        const length = channel.tryRecvInto(target) ?? (await channel.recvInto(target))
        if (length === null) return false
      }
      return true
    },
    borrow,
    view: borrow,
    sync() {
      for (let seen = 0; seen < count; seen += 1) if (channel.recvSync() === null) return false
      return true
    },
  }
}
