import assert from 'node:assert/strict'

/** Whatever is done a second time is nothing, or says that there is nothing more to be done. */
export default {
  id: 'G1',
  campaign: 'hostile',
  promise: 'a second close does nothing, a second unlink is ENOENT',

  async run(kind, context) {
    let closes = 0
    while (context.goesOn()) {
      const ends = await kind.open(context)
      const pending = [ends.receiver, ends.sender].flatMap((handle) => [
        // From two turns of the event loop at once, and from a callback of the close itself.
        Promise.resolve().then(() => handle.close()),
        new Promise((resolve) => setImmediate(() => resolve(handle.close()))),
      ])
      if (context.random.chance(0.5)) {
        const waits = kind.receives.recv(ends.receiver, {})
        waits.catch(() => ends.receiver.close())
        pending.push(assert.rejects(waits, { code: 'ERR_IPC_CLOSED' }))
      }
      await Promise.all(pending)
      for (const handle of [ends.receiver, ends.sender]) {
        handle.close()
        handle[Symbol.dispose ?? Symbol.for('nodejs.dispose')]()
        assert.equal(handle.closed, true)
        assert.equal(handle.fd, -1)
        closes += 4
      }
      ends.close()
      if (ends.unlink !== undefined) assert.throws(ends.unlink, { code: 'ENOENT' })
      context.round()
    }
    return { closes }
  },
}
