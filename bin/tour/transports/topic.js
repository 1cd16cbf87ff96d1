const size = 262_144

/** @type {import('./index.js').Transport} */
export const topic = {
  name: 'topic',
  title: 'topic, one subscriber',
  ours: true,

  async run(file, { directory, receiver, progress, signal }) {
    const { Topic } = await import('../../../index.js')
    const path = `${directory}/topic`
    const own = Topic.open(path)
    try {
      const answers = await own.subscribe()
      const peer = await receiver({ details: { path } })
      peer.start()
      // What is published before the other one has subscribed is for nobody.
      await answers.recv({ signal })
      answers.close()
      for (const chunk of file.chunks(size)) {
        await own.publish(chunk, { signal })
        progress(chunk.length)
      }
      // What stands for the end, which there is none of.
      await own.publish('', { signal })
      return await peer.result()
    } finally {
      own.close()
      Topic.unlink(path)
    }
  },

  async receive(sink, { path }) {
    const { Topic } = await import('../../../index.js')
    const own = Topic.open(path)
    const subscription = await own.subscribe()
    await own.publish('ready')
    // Its own word comes first.
    await subscription.recv()
    for await (const data of subscription) {
      if (data.length === 0) break
      sink.push(data)
    }
    own.close()
  },
}
