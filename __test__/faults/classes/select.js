import { Channel, select } from '../../../index.js'
import channel from './channel.js'

/** Waits on several channels of which one has the messages; what the others would do is nobody's loss. */

/** The others, by the one that is waited on with them. @type {WeakMap<object, Channel[]>} */
const idle = new WeakMap()

/** @param {any} receiver @param {any} options */
async function takeOne(receiver, options) {
  const [other, far] = idle.get(receiver) ?? []
  const [name, message] = await select({ other, wanted: receiver, far }, options)
  if (name !== 'wanted') throw new Error(`something came of ${name}`)
  return message === null ? null : channel.decode(message)
}

export default {
  ...channel,
  name: 'select',
  ring: false,
  /** What a channel alone promises is asked of channels. */
  only: ['G4', 'G5', 'g12-every-call'],
  receives: { recv: takeOne },
  calls: ({ receiver }) => ({ select: () => select({ receiver }) }),

  async open() {
    const { sender, receiver, close } = await channel.open()
    let others
    try {
      others = Channel.pair({ capacity: 4096 })
    } catch (error) {
      close()
      throw error
    }
    idle.set(receiver, others)
    return {
      sender,
      receiver,
      close() {
        for (const handle of [receiver, sender, ...others]) handle.close()
      },
    }
  },

  async offer() {
    const offer = await channel.offer()
    return {
      ...offer,
      async meet() {
        const near = await offer.meet()
        idle.set(near, Channel.pair({ capacity: 4096 }))
        return near
      },
    }
  },

  async join() {
    const near = await channel.join()
    idle.set(near, Channel.pair({ capacity: 4096 }))
    return near
  },
}
