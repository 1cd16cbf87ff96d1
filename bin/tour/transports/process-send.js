/** @type {import('./index.js').Transport} */
export const processSend = {
  name: 'process.send',
  title: 'process.send, advanced',
  ours: false,

  async run(file, { receiver, progress }) {
    const peer = await receiver()
    peer.start()
    for (const chunk of file.chunks(65_536)) {
      await delivered(peer.child, { chunk })
      progress(chunk.length)
    }
    await delivered(peer.child, { end: true })
    return peer.result()
  },

  receive(sink) {
    return new Promise((resolve) => {
      process.on('message', (/** @type {any} */ message) => {
        if (message.end) resolve()
        else sink.push(message.chunk)
      })
    })
  },
}

/**
 * send() says with false that enough is on its way: its callback then tells when to go on.
 * @param {import('node:child_process').ChildProcess} child
 * @param {object} message
 */
function delivered(child, message) {
  return new Promise((resolve, reject) => {
    const more = child.send(message, (error) => (error ? reject(error) : resolve(undefined)))
    if (more) resolve(undefined)
  })
}
