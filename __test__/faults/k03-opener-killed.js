import assert from 'node:assert/strict'
import { turnFor, within } from './harness/time.js'

export default {
  id: 'K3',
  campaign: 'kill',
  promise: 'a process killed while it opens leaves the name in order: whoever opens next gets whoever opens next',
  fits: (kind) => kind.named,

  roles: {
    /** Opens and closes for ever. */
    async openForEver(kind, context) {
      const { parcel, side } = context.data
      for (;;) (await kind.join(parcel, side)).close()
    },
  },

  async run(kind, context) {
    const figures = { kills: 0, met: 0 }
    const { parcel } = await kind.offer(context, 'sender')
    while (context.goesOn()) {
      const side = context.random.pick(['sender', 'receiver'])
      const peer = context.start('openForEver', { parcel, side }, { ends: { signal: 'SIGKILL' } })
      let over = false
      const meeting = (async () => {
        while (!over) {
          const end = await kind.join(parcel, side === 'sender' ? 'receiver' : 'sender')
          figures.met++
          end.close()
        }
      })()
      const { met } = figures
      if (context.random.chance(0.8)) while (figures.met === met) await turnFor(1)
      await turnFor(context.random.float() * 20)
      peer.kill('SIGKILL')
      await peer.done()
      over = true
      // Whoever waits here is let go by somebody who lives.
      const rescue = kind.join(parcel, side)
      await within(10_000, 'the open that was waiting', Promise.race([meeting, rescue]))
      const [sender, receiver] = await within(
        10_000,
        'two opens after the kill',
        Promise.all([kind.join(parcel, 'sender'), kind.join(parcel, 'receiver')]),
      )
      await meeting
      const last = await within(10_000, 'the last open', Promise.race([rescue, turnFor(50)]))
      last?.close()
      await kind.send(sender, kind.encode(9))
      assert.deepEqual(await kind.receives.recv(receiver, { timeout: 5000 }), [9])
      sender.close()
      receiver.close()
      figures.kills++
      context.round()
    }
    return figures
  },
}
