import { Barrier } from '../../../index.js'
import { namesOf } from '../harness/held.js'
import { opened } from '../harness/opened.js'
import { turn } from '../harness/time.js'

/** Barriers for two: whoever waits is let go by the other one's coming, and only by that, so there is one wait at a time. */
const names = namesOf(Barrier)

/** @param {Barrier} barrier @param {any} [options] */
async function pass(barrier, options) {
  await barrier.wait(options)
  return [told.get(barrier)?.shift()]
}

/** Numbers of those who came second, for both ends of each barrier. @type {WeakMap<Barrier, number[]>} */
const told = new WeakMap()

/** @param {Barrier} barrier @param {number} number */
async function come(barrier, number) {
  // It says itself that it is closed.
  if (barrier.closed) barrier.waitSync()
  told.get(barrier)?.push(number)
  // A wait that has failed has not come, and comes again.
  const wait = () => barrier.wait().catch(({ code }) => code !== 'ERR_IPC_CLOSED' && turn().then(wait))
  wait()
}

export default {
  name: 'barrier',
  only: ['C2', 'G1', 'G2', 'G8', 'G9', 'G11', 'G12', 'G18'],
  stream: false,
  once: true,
  descriptors: false,
  threads: true,
  most: 200,
  encode: (number) => number,
  failingCalls: { semget: ['ENOSPC', 'ENOMEM'], semop: ['ENOMEM'] },

  send: come,
  receives: { recv: pass },
  recvSync: (barrier, options) => barrier.waitSync(options),
  begin: (barrier) => barrier.wait(),
  another: (barrier) => barrier.dup(),

  calls({ sender, receiver }) {
    return {
      wait: () => receiver.wait(),
      'wait that never waits': () => receiver.wait({ timeout: 0 }),
      waitSync: () => sender.waitSync(),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
    }
  },

  async open(_context, parties = 2) {
    const name = names.newName()
    const sender = Barrier.open(name, { parties })
    const receiver = names.copyOf(sender, name)
    const numbers = []
    for (const end of [sender, receiver]) told.set(end, numbers)
    return opened(sender, receiver, () => names.drop(name))
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context, 100)
    const { signal } = new AbortController()
    const pending = [receiver.wait({ signal }), receiver.wait({ timeout: 600_000 }), sender.wait()]
    return { pending, handles: [sender, receiver] }
  },
}
